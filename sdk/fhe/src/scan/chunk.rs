//! The Parquet object of a chunk: one row, one row group, one binary column a slice; no compression,
//! dictionary or statistics, since ciphertext is uniform.

use std::sync::Arc;

use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding, Repetition, Type as PhysicalType},
    data_type::{ByteArray, ByteArrayType},
    errors::ParquetError,
    file::{
        properties::{EnabledStatistics, WriterProperties},
        writer::SerializedFileWriter,
    },
    schema::types::Type,
};
use sordino_protocol::{layout::Slice, parameters::ParameterSet};

use crate::{
    error::{FheError, SourceError},
    parameters::scan,
    scan::{
        SliceSource,
        footer::{self, Footer, TAIL},
        wire,
    },
};

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
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_encoding(Encoding::PLAIN)
        .set_created_by("sordino".to_owned())
        .set_key_value_metadata(Some(footer::stated(set)))
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
    reader: R,
    footer: Footer,
}

impl<R: parquet::file::reader::ChunkReader + 'static> ChunkReader<R> {
    /// Opens a chunk and checks what its metadata says.
    ///
    /// # Errors
    /// When it cannot be read or is no chunk of that set.
    pub fn new(reader: R, set: ParameterSet) -> Result<Self, SourceError> {
        let length = reader.len();
        let read = |start: u64, bytes: u64| {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            reader.get_bytes(start, bytes).map_err(footer::read_error)
        };
        let tail = read(length.saturating_sub(TAIL), length.min(TAIL))?;
        let place = Footer::locate(&tail, length)?;
        let metadata = read(place.start, place.end - place.start)?;
        let footer = Footer::read(&metadata, length, set)?;
        Ok(Self { reader, footer })
    }

    /// The names of the slices it contains, in order.
    pub fn names(&self) -> Vec<String> {
        self.footer.names()
    }

    fn slice(&self, wanted: Slice) -> Result<Bytes, SourceError> {
        let range = self.footer.range(wanted)?;
        let bytes = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let column = self.reader.get_bytes(range.start, bytes).map_err(footer::read_error)?;
        self.footer.slice(wanted, column)
    }
}

impl<R: parquet::file::reader::ChunkReader + 'static> SliceSource for ChunkReader<R> {
    fn slices(&self, wanted: &[Slice]) -> Result<Vec<Bytes>, SourceError> {
        wanted.iter().map(|slice| self.slice(*slice)).collect()
    }
}

impl<R> std::fmt::Debug for ChunkReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChunkReader({:?})", self.footer)
    }
}
