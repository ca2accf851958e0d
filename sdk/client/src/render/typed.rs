//! Presented answers with types: an Arrow batch, as a Parquet file or an Arrow IPC file. Decimals stay
//! exact, dates are dates, and every column may be null.

use std::{collections::HashMap, sync::Arc};

use ::parquet::{arrow::ArrowWriter, errors::ParquetError};
use arrow::{
    array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray},
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
    record_batch::RecordBatch,
};
use chrono::NaiveDate;
use serde_json::Value;
use sordino_protocol::{
    answer::{AnswerColumn, AnswerType},
    presentation::Table,
    schema::days,
};

/// Digits of a decimal.
const PRECISION: u8 = 38;

/// Why an answer cannot be written with types.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A cell that is not of its column's type.
    #[error("row {row}: `{column}` is not of its type; CSV and JSON show it as it is")]
    Cell {
        /// Which row, from 1.
        row: usize,
        /// Which column.
        column: String,
    },
    /// Arrow refused.
    #[error("arrow: {0}")]
    Arrow(#[from] ArrowError),
    /// Parquet refused.
    #[error("parquet: {0}")]
    Parquet(#[from] ParquetError),
}

/// The table as one batch. What must be known of a column is in its metadata, under `note`.
///
/// # Errors
/// When a cell is not of its column's type.
pub fn batch(table: &Table) -> Result<RecordBatch, RenderError> {
    let names = super::distinct(table);
    let mut fields = Vec::with_capacity(names.len());
    let mut arrays = Vec::with_capacity(names.len());
    for (position, (column, name)) in table.columns.iter().zip(names).enumerate() {
        let cells: Vec<&Value> = table.rows.iter().map(|row| &row[position]).collect();
        let kind = data_type(column);
        arrays.push(array(column, &kind, &cells)?);
        let note = column.note.iter().map(|note| ("note".to_owned(), note.clone()));
        fields.push(Field::new(name, kind, true).with_metadata(note.collect::<HashMap<_, _>>()));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// The table as a Parquet file.
///
/// # Errors
/// When a cell is not of its column's type.
pub fn parquet(table: &Table) -> Result<Vec<u8>, RenderError> {
    let batch = batch(table)?;
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None)?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}

/// The table as an Arrow IPC file ("Feather").
///
/// # Errors
/// When a cell is not of its column's type.
pub fn arrow(table: &Table) -> Result<Vec<u8>, RenderError> {
    let batch = batch(table)?;
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}

fn data_type(column: &AnswerColumn) -> DataType {
    match column.kind {
        AnswerType::Integer => DataType::Int64,
        AnswerType::Decimal => match i8::try_from(column.scale) {
            Ok(scale) if column.scale <= PRECISION => DataType::Decimal128(PRECISION, scale),
            _ => DataType::Utf8,
        },
        AnswerType::Float => DataType::Float64,
        AnswerType::Boolean => DataType::Boolean,
        AnswerType::Date => DataType::Date32,
        AnswerType::Label => DataType::Utf8,
    }
}

fn array(column: &AnswerColumn, kind: &DataType, cells: &[&Value]) -> Result<ArrayRef, RenderError> {
    Ok(match kind {
        DataType::Int64 => Arc::new(each(column, cells, Value::as_i64)?.into_iter().collect::<Int64Array>()),
        DataType::Decimal128(precision, scale) => {
            let read = |cell: &Value| mantissa(cell.as_str()?, column.scale);
            let array: Decimal128Array = each(column, cells, read)?.into_iter().collect();
            Arc::new(array.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Float64 => {
            Arc::new(each(column, cells, Value::as_f64)?.into_iter().collect::<Float64Array>())
        }
        DataType::Boolean => {
            Arc::new(each(column, cells, Value::as_bool)?.into_iter().collect::<BooleanArray>())
        }
        DataType::Date32 => {
            let read = |cell: &Value| i32::try_from(days(cell.as_str()?.parse::<NaiveDate>().ok()?)).ok();
            Arc::new(each(column, cells, read)?.into_iter().collect::<Date32Array>())
        }
        _ => {
            let read = |cell: &Value| cell.as_str().map(str::to_owned);
            Arc::new(each(column, cells, read)?.into_iter().collect::<StringArray>())
        }
    })
}

/// The values of all cells, `None` where NULL.
fn each<T>(
    column: &AnswerColumn,
    cells: &[&Value],
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<Option<T>>, RenderError> {
    let cell = |(row, cell): (usize, &&Value)| {
        if cell.is_null() {
            return Ok(None);
        }
        let wrong = || RenderError::Cell { row: row + 1, column: column.name.clone() };
        read(cell).map(Some).ok_or_else(wrong)
    };
    cells.iter().enumerate().map(cell).collect()
}

/// The integer of a decimal that is written with exactly `scale` places.
fn mantissa(text: &str, scale: u8) -> Option<i128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() != usize::from(scale) {
        return None;
    }
    [whole, part].concat().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn table() -> Table {
        let column = |name: &str, kind, scale, note: Option<&str>| AnswerColumn {
            name: name.to_owned(),
            kind,
            scale,
            note: note.map(str::to_owned),
        };
        Table {
            columns: vec![
                column("class", AnswerType::Label, 0, None),
                column("n", AnswerType::Integer, 0, None),
                column("sum", AnswerType::Decimal, 2, None),
                column("mean", AnswerType::Float, 0, None),
                column("late", AnswerType::Boolean, 0, None),
                column("last", AnswerType::Date, 0, Some("resolution: days")),
            ],
            rows: vec![
                vec![json!("a"), json!(-3), json!("-0.05"), json!(1.5), json!(true), json!("1996-02-29")],
                vec![Value::Null; 6],
            ],
            suppressed: 0,
            filtered: 0,
            cut: 0,
        }
    }

    #[test]
    fn values_keep_their_types() {
        let batch = batch(&table()).expect("typed");
        let types: Vec<_> = batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
        let expected = [
            DataType::Utf8,
            DataType::Int64,
            DataType::Decimal128(38, 2),
            DataType::Float64,
            DataType::Boolean,
            DataType::Date32,
        ];
        assert_eq!(types, expected);
        assert_eq!(batch.schema().field(5).metadata()["note"], "resolution: days");
        let decimals = batch.column(2).as_any().downcast_ref::<Decimal128Array>().expect("decimals");
        assert_eq!(decimals.value(0), -5);
        let dates = batch.column(5).as_any().downcast_ref::<Date32Array>().expect("dates");
        assert_eq!(dates.value(0), 9_555, "days since 1970");
        assert!(batch.columns().iter().all(|column| column.is_null(1)));
    }

    #[test]
    fn files_hold_the_same_batch() {
        let expected = batch(&table()).expect("typed");
        let file = Bytes::from(parquet(&table()).expect("written"));
        let mut reader =
            ParquetRecordBatchReaderBuilder::try_new(file).expect("parquet").build().expect("parquet");
        assert_eq!(reader.next().expect("one batch").expect("read"), expected);
        let file = Cursor::new(arrow(&table()).expect("written"));
        let mut reader = arrow_ipc::reader::FileReader::try_new(file, None).expect("arrow");
        assert_eq!(reader.next().expect("one batch").expect("read"), expected);
    }

    #[test]
    fn a_cell_of_another_type_is_named() {
        let mut wrong = table();
        wrong.rows[1][2] = json!("1.234");
        assert!(matches!(batch(&wrong), Err(RenderError::Cell { row: 2, column }) if column == "sum"));
    }
}
