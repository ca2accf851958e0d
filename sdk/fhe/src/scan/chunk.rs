//! The Parquet object of a chunk: one row, one row group, one binary column a slice; no compression,
//! dictionary or statistics, since ciphertext is uniform.

use std::{collections::HashMap, io, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding, Repetition, Type as PhysicalType},
    column::page::{Page, PageReader},
    data_type::{ByteArray, ByteArrayType},
    errors::ParquetError,
    file::{
        metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader},
        properties::{EnabledStatistics, WriterProperties},
        serialized_reader::SerializedPageReader,
        writer::SerializedFileWriter,
    },
    schema::types::Type,
};
use sordino_protocol::{layout::Slice, parameters::ParameterSet};

use crate::{
    error::{FheError, SourceError},
    parameters::scan,
    scan::{SliceSource, wire},
    trust::{Object, TrustError, guard, limit},
};

const FORMAT_KEY: &str = "sordino.format";
const FORMAT: &str = "scan-chunk-1";
const SET_KEY: &str = "sordino.parameter-set";
/// The most slices of a chunk: 512 columns of 4,096 codes never come together in practice.
const MAX_SLICES: u64 = 1 << 16;
/// The most bytes of a chunk's Parquet metadata.
const MAX_FOOTER: u64 = 64 << 20;
/// Room for a page header beside a slice.
const PAGE_ROOM: u64 = 1 << 10;

/// Bytes of a serialised slice of a set; it has no other size.
///
/// # Errors
/// When `set` is no scan set.
pub fn slice_size(set: ParameterSet) -> Result<u64, FheError> {
    Ok(wire::slice_len(scan(set)?) as u64)
}

/// Writes slices with their column names as one Parquet object.
pub(crate) fn write(set: ParameterSet, slices: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, ParquetError> {
    let columns = slices
        .iter()
        .map(|(name, _)| {
            Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY)
                .with_repetition(Repetition::REQUIRED)
                .build()
                .map(Arc::new)
        })
        .collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder("chunk").with_fields(columns).build()?);
    let entry = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_encoding(Encoding::PLAIN)
        .set_created_by("sordino".to_owned())
        .set_key_value_metadata(Some(vec![entry(FORMAT_KEY, FORMAT), entry(SET_KEY, set.as_str())]))
        .build();
    let size = slices.iter().map(|(name, bytes)| name.len() * 2 + bytes.len() + 200).sum();
    let mut writer = SerializedFileWriter::new(Vec::with_capacity(size), schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (_, bytes) in slices {
        if let Some(mut column) = group.next_column()? {
            column.typed::<ByteArrayType>().write_batch(&[ByteArray::from(bytes)], None, None)?;
            column.close()?;
        }
    }
    group.close()?;
    writer.into_inner()
}

/// Reads single slices of a chunk; only the columns wanted are touched.
pub struct ChunkReader<R> {
    reader: Arc<R>,
    metadata: ParquetMetaData,
    columns: HashMap<String, usize>,
    slice: u64,
}

impl<R: parquet::file::reader::ChunkReader + 'static> ChunkReader<R> {
    /// Opens a chunk and checks what its metadata says.
    ///
    /// # Errors
    /// When it cannot be read or is no chunk of that set.
    pub fn new(reader: R, set: ParameterSet) -> Result<Self, SourceError> {
        const OBJECT: Object = Object::ScanChunk;
        let slice = scan(set).map(|numbers| wire::slice_len(numbers) as u64);
        let slice = slice.map_err(|_| OBJECT.malformed("its parameter set is not a scan set"))?;
        limit(OBJECT, reader.len(), MAX_FOOTER + MAX_SLICES * (slice + PAGE_ROOM))?;
        check_footer(&reader)?;
        let metadata = guard::<_, SourceError>(OBJECT, || {
            ParquetMetaDataReader::new().parse_and_finish(&reader).map_err(read_error)
        })?;
        let stated = metadata.file_metadata().key_value_metadata();
        let value = |key: &str| {
            stated?.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.as_deref())
        };
        if value(FORMAT_KEY) != Some(FORMAT) {
            return Err(OBJECT.malformed("its format is not known").into());
        }
        match value(SET_KEY).and_then(|name| name.parse::<ParameterSet>().ok()) {
            Some(found) if found == set => {}
            Some(found) => {
                return Err(TrustError::WrongParameterSet { object: OBJECT, expected: set, found }.into());
            }
            None => return Err(OBJECT.malformed("its parameter set is not known").into()),
        }
        if metadata.num_row_groups() != 1 || metadata.row_group(0).num_rows() != 1 {
            return Err(OBJECT.malformed("it has more than one row").into());
        }
        let columns = metadata.row_group(0).columns().iter().enumerate();
        let columns = columns.map(|(index, column)| (column.column_path().string(), index)).collect();
        Ok(Self { reader: Arc::new(reader), metadata, columns, slice })
    }

    /// The names of the slices it contains, in order.
    pub fn names(&self) -> Vec<String> {
        let columns = self.metadata.row_group(0).columns().iter();
        columns.map(|column| column.column_path().string()).collect()
    }

    fn slice(&self, wanted: Slice) -> Result<Bytes, SourceError> {
        const OBJECT: Object = Object::ScanChunk;
        let name = wanted.name();
        let index = self.columns.get(&name);
        let index = *index.ok_or_else(|| SourceError::Missing { what: format!("slice `{name}`") })?;
        let column = self.metadata.row_group(0).column(index);
        let size = u64::try_from(column.compressed_size()).unwrap_or(u64::MAX);
        limit(OBJECT, size, self.slice + PAGE_ROOM)?;
        if column.column_type() != PhysicalType::BYTE_ARRAY
            || column.compression() != Compression::UNCOMPRESSED
            || column.num_values() != 1
            || column.uncompressed_size() != column.compressed_size()
        {
            return Err(OBJECT.malformed("a column is not one plain binary value").into());
        }
        let start = u64::try_from(column.data_page_offset()).ok();
        let within =
            start.and_then(|start| start.checked_add(size)).is_some_and(|end| end <= self.reader.len());
        if column.dictionary_page_offset().is_some() || !within {
            return Err(OBJECT.malformed("a column is not where it says").into());
        }
        let page = guard::<_, SourceError>(OBJECT, || {
            let mut pages =
                SerializedPageReader::new(Arc::clone(&self.reader), column, 1, None).map_err(read_error)?;
            pages.get_next_page().map_err(read_error)
        })?;
        let Some(Page::DataPage { buf, num_values: 1, encoding: Encoding::PLAIN, .. }) = page else {
            return Err(OBJECT.malformed("a column is not one plain page").into());
        };
        // A plain byte array: its length in four bytes, then itself.
        let framed = buf.len() as u64 == self.slice + 4;
        if !framed || buf[..4] != (self.slice as u32).to_le_bytes() {
            return Err(OBJECT.malformed("a slice has another size than its parameter set gives it").into());
        }
        Ok(buf.slice(4..))
    }
}

/// Checks the length of the metadata before it is read.
fn check_footer<R: parquet::file::reader::ChunkReader>(reader: &R) -> Result<(), SourceError> {
    const OBJECT: Object = Object::ScanChunk;
    let Some(start) = reader.len().checked_sub(8) else {
        return Err(OBJECT.malformed("it is too short").into());
    };
    let tail = reader.get_bytes(start, 8).map_err(read_error)?;
    if tail.len() != 8 || tail[4..] != *b"PAR1" {
        return Err(OBJECT.malformed("it is not Parquet").into());
    }
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    limit(OBJECT, footer, MAX_FOOTER.min(start))?;
    Ok(())
}

fn read_error(error: ParquetError) -> SourceError {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(io) => SourceError::Io(*io),
            Err(_) => Object::ScanChunk.malformed("it cannot be read").into(),
        },
        _ => Object::ScanChunk.malformed("it is not well-formed Parquet").into(),
    }
}

impl<R: parquet::file::reader::ChunkReader + 'static> SliceSource for ChunkReader<R> {
    fn slices(&self, wanted: &[Slice]) -> Result<Vec<Bytes>, SourceError> {
        wanted.iter().map(|slice| self.slice(*slice)).collect()
    }
}

impl<R> std::fmt::Debug for ChunkReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChunkReader({} slices)", self.columns.len())
    }
}
