//! The metadata of a chunk, checked: which slices it has, where each lies, and that nothing but plain
//! slices of the declared set lies there. Whatever reads chunks goes through here: it is a part of the
//! trust boundary.

use std::{collections::HashMap, io, ops::Range, sync::Arc};

use bytes::{Buf, Bytes};
use parquet::{
    basic::{Compression, Encoding, Type as PhysicalType},
    column::page::{Page, PageReader},
    errors::ParquetError,
    file::{
        metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader},
        reader::{ChunkReader, Length},
        serialized_reader::SerializedPageReader,
    },
};
use sordino_protocol::{layout::Slice, parameters::ParameterSet};

use crate::{
    error::SourceError,
    parameters::scan,
    scan::wire,
    trust::{Object, TrustError, guard, limit},
};

const OBJECT: Object = Object::ScanChunk;
const FORMAT_KEY: &str = "sordino.format";
const FORMAT: &str = "scan-chunk-1";
const SET_KEY: &str = "sordino.parameter-set";
/// The most slices of a chunk: 512 columns of 4,096 codes never come together in practice.
const MAX_SLICES: u64 = 1 << 16;
/// The most bytes of a chunk's Parquet metadata.
const MAX_METADATA: u64 = 64 << 20;
/// Room for a page header beside a slice.
const PAGE_ROOM: u64 = 1 << 10;
/// Bytes at the end of a chunk that say how long its metadata is.
pub const TAIL: u64 = 8;

/// What a chunk says about itself, for the writer.
pub(super) fn stated(set: ParameterSet) -> Vec<KeyValue> {
    let entry = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    vec![entry(FORMAT_KEY, FORMAT), entry(SET_KEY, set.as_str())]
}

/// The checked metadata of a chunk.
pub struct Footer {
    metadata: Arc<ParquetMetaData>,
    columns: HashMap<String, usize>,
    /// Bytes of the object.
    length: u64,
    /// Bytes of a slice of its set.
    slice: u64,
}

impl Footer {
    /// Where the metadata of a chunk of so many bytes lies, given its last [`TAIL`] bytes.
    ///
    /// # Errors
    /// When it is not Parquet, or more than a chunk can have.
    pub fn locate(tail: &[u8], length: u64) -> Result<Range<u64>, TrustError> {
        let Some(end) = length.checked_sub(TAIL) else {
            return Err(OBJECT.malformed("it is too short"));
        };
        let Some(([a, b, c, d], b"PAR1")) = tail.split_first_chunk::<4>() else {
            return Err(OBJECT.malformed("it is not Parquet"));
        };
        let bytes = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
        limit(OBJECT, bytes, MAX_METADATA.min(end))?;
        Ok(end - bytes..end)
    }

    /// Reads the metadata of a chunk of `length` bytes.
    ///
    /// # Errors
    /// When it is not the metadata of a chunk of that set.
    pub fn read(metadata: &[u8], length: u64, set: ParameterSet) -> Result<Self, TrustError> {
        let slice = scan(set).map(|numbers| wire::slice_len(numbers) as u64);
        let slice = slice.map_err(|_| OBJECT.malformed("its parameter set is not a scan set"))?;
        limit(OBJECT, length, MAX_METADATA + MAX_SLICES * (slice + PAGE_ROOM))?;
        let metadata = guard(OBJECT, || {
            let read = ParquetMetaDataReader::decode_metadata(metadata);
            read.map_err(|_| OBJECT.malformed("it is not well-formed Parquet"))
        })?;
        let stated = metadata.file_metadata().key_value_metadata();
        let value = |key: &str| {
            stated?.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.as_deref())
        };
        if value(FORMAT_KEY) != Some(FORMAT) {
            return Err(OBJECT.malformed("its format is not known"));
        }
        match value(SET_KEY).and_then(|name| name.parse::<ParameterSet>().ok()) {
            Some(found) if found == set => {}
            Some(found) => {
                return Err(TrustError::WrongParameterSet { object: OBJECT, expected: set, found });
            }
            None => return Err(OBJECT.malformed("its parameter set is not known")),
        }
        if metadata.num_row_groups() != 1 || metadata.row_group(0).num_rows() != 1 {
            return Err(OBJECT.malformed("it has more than one row"));
        }
        let columns = metadata.row_group(0).columns().iter().enumerate();
        let columns = columns.map(|(index, column)| (column.column_path().string(), index)).collect();
        Ok(Self { metadata: Arc::new(metadata), columns, length, slice })
    }

    /// The metadata as the Parquet library has it.
    pub const fn metadata(&self) -> &Arc<ParquetMetaData> {
        &self.metadata
    }

    /// The names of the slices, in order.
    pub fn names(&self) -> Vec<String> {
        let columns = self.metadata.row_group(0).columns().iter();
        columns.map(|column| column.column_path().string()).collect()
    }

    /// Where a slice lies.
    ///
    /// # Errors
    /// When there is none, or its column is not what this crate writes.
    pub fn range(&self, wanted: Slice) -> Result<Range<u64>, SourceError> {
        let column = self.metadata.row_group(0).column(self.column(wanted)?);
        let size = u64::try_from(column.compressed_size()).unwrap_or(u64::MAX);
        limit(OBJECT, size, self.slice + PAGE_ROOM)?;
        let described = column.column_descr();
        if column.column_type() != PhysicalType::BYTE_ARRAY
            || described.path().parts().len() != 1
            || (described.max_def_level(), described.max_rep_level()) != (0, 0)
            || column.compression() != Compression::UNCOMPRESSED
            || column.num_values() != 1
            || column.uncompressed_size() != column.compressed_size()
        {
            return Err(OBJECT.malformed("a column is not one plain binary value").into());
        }
        let start = u64::try_from(column.data_page_offset()).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(size)?));
        match range.filter(|range| range.end <= self.length) {
            Some(range) if column.dictionary_page_offset().is_none() => Ok(range),
            _ => Err(OBJECT.malformed("a column is not where it says").into()),
        }
    }

    /// The slice in the bytes of its [`Self::range`].
    ///
    /// # Errors
    /// When they are not one plain page with one value of the size of a slice.
    pub fn slice(&self, wanted: Slice, column: Bytes) -> Result<Bytes, SourceError> {
        let start = self.range(wanted)?.start;
        let described = self.metadata.row_group(0).column(self.column(wanted)?);
        let page = guard::<_, SourceError>(OBJECT, || {
            let part = Arc::new(Part { start, bytes: column });
            let mut pages = SerializedPageReader::new(part, described, 1, None).map_err(read_error)?;
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

    fn column(&self, wanted: Slice) -> Result<usize, SourceError> {
        let name = wanted.name();
        let index = self.columns.get(&name).copied();
        index.ok_or_else(|| SourceError::Missing { what: format!("slice `{name}`") })
    }
}

/// A failure of the Parquet library, or of the storage below it.
pub(super) fn read_error(error: ParquetError) -> SourceError {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(io) => SourceError::Io(*io),
            Err(_) => OBJECT.malformed("it cannot be read").into(),
        },
        _ => OBJECT.malformed("it is not well-formed Parquet").into(),
    }
}

/// A part of an object, read under the object's offsets.
struct Part {
    start: u64,
    bytes: Bytes,
}

impl Part {
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let skip = start.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        match skip.filter(|skip| *skip <= self.bytes.len()) {
            Some(skip) => Ok(self.bytes.slice(skip..)),
            None => Err(ParquetError::EOF("outside its column".to_owned())),
        }
    }
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Part {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let rest = self.from(start)?;
        if length > rest.len() {
            return Err(ParquetError::EOF("outside its column".to_owned()));
        }
        Ok(rest.slice(..length))
    }
}

impl std::fmt::Debug for Footer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Footer({} slices)", self.columns.len())
    }
}
