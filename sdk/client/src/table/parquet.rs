//! Parquet, batch by batch; values become texts as Arrow displays them (dates as YYYY-MM-DD).

use std::{fs::File, path::Path};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::TableError;

/// Rows of one batch.
const BATCH: usize = 4_096;

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, TableError> {
    let file = File::open(path).map_err(|source| TableError::Io { path: path.to_owned(), source })?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| error(path, e))
}

/// The names of the columns.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, TableError> {
    Ok(open(path)?.schema().fields().iter().map(|field| field.name().clone()).collect())
}

/// See [`super::Table::visit`].
pub(super) fn visit<E: From<TableError>>(
    path: &Path,
    mut visit: impl FnMut(u64, &[Option<&str>]) -> Result<(), E>,
) -> Result<u64, E> {
    let batches = open(path)?.with_batch_size(BATCH).build().map_err(|e| error(path, e))?;
    let options = FormatOptions::default();
    let mut row = 0;
    for batch in batches {
        let batch = batch.map_err(|e| error(path, e))?;
        let formatters = batch
            .columns()
            .iter()
            .map(|array| ArrayFormatter::try_new(array.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| error(path, e))?;
        for index in 0..batch.num_rows() {
            row += 1;
            let mut texts = Vec::with_capacity(formatters.len());
            for (array, formatter) in batch.columns().iter().zip(&formatters) {
                let text = (!array.is_null(index)).then(|| formatter.value(index).try_to_string());
                texts.push(text.transpose().map_err(|e| error(path, e))?);
            }
            let cells: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
            visit(row, &cells)?;
        }
    }
    Ok(row)
}

fn error(path: &Path, error: impl std::fmt::Display) -> TableError {
    TableError::Parquet { path: path.to_owned(), reason: error.to_string() }
}
