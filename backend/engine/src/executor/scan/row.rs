//! The slices of one chunk in the columns of a record batch, without copying them.

use std::collections::HashMap;

use bytes::Bytes;
use datafusion::arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, ByteView, GenericBinaryArray, MAX_INLINE_VIEW_LEN,
        OffsetSizeTrait,
    },
    buffer::Buffer,
    datatypes::DataType,
};
use sordino_fhe::{error::SourceError, scan::SliceSource};
use sordino_protocol::layout::Slice;

/// Column numbers of slices.
pub(super) type Columns = HashMap<Slice, usize>;

/// A row: each column is a slice of the chunk.
pub(super) struct Row<'a> {
    pub(super) columns: &'a Columns,
    pub(super) values: &'a [ArrayRef],
    pub(super) row: usize,
}

impl SliceSource for Row<'_> {
    fn slices(&self, wanted: &[Slice]) -> Result<Vec<Bytes>, SourceError> {
        let slice = |slice: &Slice| {
            let column = self.columns.get(slice).and_then(|column| self.values.get(*column));
            let bytes = column.and_then(|column| binary(column, self.row));
            bytes.ok_or_else(|| SourceError::Missing { what: format!("slice `{}`", slice.name()) })
        };
        wanted.iter().map(slice).collect()
    }
}

/// A value of a column of any binary type: Parquet gives views, a distributed engine what it likes.
pub(super) fn binary(column: &ArrayRef, row: usize) -> Option<Bytes> {
    if row >= column.len() || column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Binary => Some(value(column.as_binary::<i32>(), row)),
        DataType::LargeBinary => Some(value(column.as_binary::<i64>(), row)),
        DataType::BinaryView => Some(view(column.as_binary_view(), row)),
        _ => None,
    }
}

fn value<O: OffsetSizeTrait>(column: &GenericBinaryArray<O>, row: usize) -> Bytes {
    let start = column.value_offsets()[row].as_usize();
    shared(column.values().slice_with_length(start, column.value(row).len()))
}

fn view(column: &BinaryViewArray, row: usize) -> Bytes {
    let view = ByteView::from(column.views()[row]);
    match column.data_buffers().get(view.buffer_index as usize) {
        Some(buffer) if view.length > MAX_INLINE_VIEW_LEN => {
            shared(buffer.slice_with_length(view.offset as usize, view.length as usize))
        }
        // A short value lies in the view itself.
        _ => Bytes::copy_from_slice(column.value(row)),
    }
}

struct Owner(Buffer);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

fn shared(buffer: Buffer) -> Bytes {
    Bytes::from_owner(Owner(buffer))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{BinaryArray, Int32Array, LargeBinaryArray};

    use super::*;

    #[test]
    fn binary_columns_of_every_kind_give_the_same_bytes() {
        let long = [7; 1_000];
        let values: Vec<Option<&[u8]>> = vec![Some(b"short"), None, Some(&long), Some(b"")];
        let columns: [ArrayRef; 3] = [
            Arc::new(BinaryArray::from(values.clone())),
            Arc::new(LargeBinaryArray::from(values.clone())),
            Arc::new(BinaryViewArray::from(values.clone())),
        ];
        for column in &columns {
            for (row, value) in values.iter().enumerate() {
                assert_eq!(binary(column, row).as_deref(), *value, "{} {row}", column.data_type());
            }
            let rest = column.slice(2, 2);
            assert_eq!(binary(&rest, 0).as_deref(), Some(&long[..]), "{}", column.data_type());
            assert_eq!(binary(column, 4), None);
        }
        let other: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        assert_eq!(binary(&other, 0), None);
    }
}
