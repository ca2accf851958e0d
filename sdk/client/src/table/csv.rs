//! CSV as RFC 4180 has it, in UTF-8, with a header line.

use std::path::Path;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

use super::TableError;

type FileReader = Reader<std::fs::File>;

fn open(path: &Path) -> Result<FileReader, TableError> {
    ReaderBuilder::new().has_headers(true).flexible(false).from_path(path).map_err(|e| error(path, 1, e))
}

/// The names in the header.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, TableError> {
    let mut reader = open(path)?;
    let header = reader.headers().map_err(|e| error(path, 1, e))?;
    Ok(header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect())
}

/// See [`super::Table::visit`].
pub(super) fn visit<E: From<TableError>>(
    path: &Path,
    mut visit: impl FnMut(u64, &[Option<&str>]) -> Result<(), E>,
) -> Result<u64, E> {
    let mut reader = open(path)?;
    let mut record = StringRecord::new();
    let mut row = 0;
    // The header, so that the position below is that of a row from the first one on.
    reader.headers().map_err(|e| error(path, 1, e))?;
    loop {
        // Where the record begins; not every error says so, or rightly.
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|e| error(path, line, e))? {
            return Ok(row);
        }
        row += 1;
        let cells: Vec<Option<&str>> = record.iter().map(Some).collect();
        visit(row, &cells)?;
    }
}

fn error(path: &Path, line: u64, error: csv::Error) -> TableError {
    let path = path.to_owned();
    let line = error.position().map_or(line, |position| position.line().max(line));
    match error.into_kind() {
        ErrorKind::Io(source) => TableError::Io { path, source },
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            TableError::FieldCount { path, line, expected: expected_len, found: len }
        }
        ErrorKind::Utf8 { .. } => TableError::NotUtf8 { path, line },
        other => TableError::Io { path, source: std::io::Error::other(format!("line {line}: {other:?}")) },
    }
}
