//! Tables of rows as texts, read in a stream: CSV with a header, or Parquet. Memory does not depend
//! on the number of rows.

mod csv;
mod parquet;

use std::path::{Path, PathBuf};

use sordino_protocol::{
    coded::RowError,
    schema::{Column, Schema},
};

/// A table that can be read from its beginning, any number of times.
#[derive(Debug, Clone)]
pub struct Table {
    path: PathBuf,
    format: Format,
    columns: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Parquet,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No header, or an empty file.
    #[error("{path}: expected a header line with column names, found nothing")]
    NoHeader {
        /// Which.
        path: PathBuf,
    },
    /// A column's name occurs twice.
    #[error("{path}: column `{column}` occurs twice in the header")]
    DuplicateColumn {
        /// Which.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A line does not have as many fields as the header.
    #[error("{path}, line {line}: expected {expected} fields as in the header, found {found}")]
    FieldCount {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// Fields of the header.
        expected: u64,
        /// Fields of the line.
        found: u64,
    },
    /// A line is not UTF-8.
    #[error("{path}, line {line}: expected UTF-8 text; convert the file first")]
    NotUtf8 {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: u64,
    },
    /// The Parquet file cannot be read.
    #[error("{path}: not a readable Parquet file: {reason}")]
    Parquet {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Columns of the schema that the table lacks.
    #[error("{path}: the schema's columns {missing} are not in the table, which has {found}")]
    MissingColumns {
        /// Which.
        path: PathBuf,
        /// Their names.
        missing: String,
        /// Names that are there.
        found: String,
    },
    /// A value does not fit the schema.
    #[error("{path}, {error}")]
    Row {
        /// Which.
        path: PathBuf,
        /// Where and why.
        error: RowError,
    },
    /// There are no rows.
    #[error("{path}: the table has no rows")]
    NoRows {
        /// Which.
        path: PathBuf,
    },
}

/// Where the columns of a schema are in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Per schema column: its position in the table; `None` for columns that are computed from others,
    /// or not encrypted and not there.
    positions: Vec<Option<usize>>,
    /// Columns of the table that the schema does not have; they are not read.
    pub ignored: Vec<String>,
}

impl Table {
    /// Opens a table: `.parquet` as Parquet, anything else as CSV.
    ///
    /// # Errors
    /// When the file cannot be read or has no sound header.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let parquet = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
        let format = if parquet { Format::Parquet } else { Format::Csv };
        let columns = match format {
            Format::Csv => csv::columns(path)?,
            Format::Parquet => parquet::columns(path)?,
        };
        if columns.is_empty() || columns.iter().all(|name| name.trim().is_empty()) {
            return Err(TableError::NoHeader { path: path.to_owned() });
        }
        for (index, column) in columns.iter().enumerate() {
            if columns[..index].contains(column) {
                return Err(TableError::DuplicateColumn { path: path.to_owned(), column: column.clone() });
            }
        }
        Ok(Self { path: path.to_owned(), format, columns })
    }

    /// The column names.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all rows in order: `visit` gets the row's number (from 1) and its cells, `None` for a
    /// null of the format (CSV has none; the schema says which texts mean null). Returns the number
    /// of rows.
    ///
    /// # Errors
    /// Those of the file, and the first of `visit`.
    pub fn visit<E: From<TableError>>(
        &self,
        visit: impl FnMut(u64, &[Option<&str>]) -> Result<(), E>,
    ) -> Result<u64, E> {
        match self.format {
            Format::Csv => csv::visit(&self.path, visit),
            Format::Parquet => parquet::visit(&self.path, visit),
        }
    }

    /// Where the schema's columns are; names are compared as SQL does.
    ///
    /// # Errors
    /// When a column that is to be encrypted is not there.
    pub fn map(&self, schema: &Schema) -> Result<Mapping, TableError> {
        let position = |name: &str| {
            self.columns
                .iter()
                .position(|c| c == name)
                .or_else(|| self.columns.iter().position(|c| c.eq_ignore_ascii_case(name)))
        };
        let read = |column: &Column| if column.is_derived() { None } else { position(&column.name) };
        let positions: Vec<_> = schema.columns.iter().map(read).collect();
        let missing: Vec<_> = schema
            .columns
            .iter()
            .zip(&positions)
            .filter(|(c, p)| p.is_none() && !c.is_derived() && (c.dimension.is_some() || c.measure.is_some()))
            .map(|(column, _)| format!("`{}`", column.name))
            .collect();
        if !missing.is_empty() {
            let found = self.columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
            let missing = missing.join(", ");
            return Err(TableError::MissingColumns { path: self.path.clone(), missing, found });
        }
        let ignored = (0..self.columns.len())
            .filter(|index| !positions.contains(&Some(*index)))
            .map(|index| self.columns[index].clone())
            .collect();
        Ok(Mapping { positions, ignored })
    }
}

impl Mapping {
    /// The cells of a row in the order of the schema.
    pub fn select<'a>(&self, cells: &[Option<&'a str>], into: &mut Vec<Option<&'a str>>) {
        into.clear();
        into.extend(self.positions.iter().map(|position| position.and_then(|p| cells[p])));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a file");
        file.write_all(content).expect("written");
        file
    }

    fn rows(content: &[u8]) -> Result<Vec<Vec<String>>, TableError> {
        let file = file(content);
        let mut rows = Vec::new();
        Table::open(file.path())?.visit(|_, cells| {
            rows.push(cells.iter().map(|c| c.unwrap_or("null").to_owned()).collect());
            Ok::<_, TableError>(())
        })?;
        Ok(rows)
    }

    #[test]
    fn quotes_bom_and_empty_cells_are_read() {
        let found = rows("\u{feff}a,b\n\"x, \"\"y\"\"\",\n1,2\r\n".as_bytes()).expect("sound");
        assert_eq!(found, [["x, \"y\"", ""], ["1", "2"]]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let error = rows(b"a,b\n1,2\n3\n").expect_err("short").to_string();
        assert!(error.contains("line 3: expected 2 fields as in the header, found 1"), "{error}");
        let error = rows(b"a,b\n1,\xff\n").expect_err("not UTF-8").to_string();
        assert!(error.contains("line 2") && error.contains("UTF-8"), "{error}");
        assert!(matches!(rows(b""), Err(TableError::NoHeader { .. })));
        assert!(matches!(rows(b"a,a\n1,2\n"), Err(TableError::DuplicateColumn { .. })));
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let file = file(b"z,B,a\n1,2,3\n");
        let table = Table::open(file.path()).expect("sound");
        let schema = |text: &str| toml::from_str::<Schema>(text).expect("a schema");
        let good = schema(
            "table = \"t\"\n[[column]]\nname = \"a\"\nmeasure = { scale = 0, min = 0, max = 9 }\n\
             [[column]]\nname = \"b\"\nmeasure = { scale = 0, min = 0, max = 9 }\n[[column]]\nname = \"note\"\n",
        );
        let mapping = table.map(&good).expect("complete");
        assert_eq!(mapping.ignored, ["z"]);
        let mut cells = Vec::new();
        mapping.select(&[Some("1"), Some("2"), Some("3")], &mut cells);
        assert_eq!(cells, [Some("3"), Some("2"), None]);
        let derived = schema(
            "table = \"t\"\n[[column]]\nname = \"a\"\nmeasure = { scale = 0, min = 0, max = 9 }\n\
             [[column]]\nname = \"b\"\nmeasure = { scale = 0, min = 0, max = 9 }\n[[column]]\nname = \"z\"\n\
             dimension = { kind = \"order\", left = \"a\", right = \"b\" }\n",
        );
        let mapping = table.map(&derived).expect("complete");
        mapping.select(&[Some("1"), Some("2"), Some("3")], &mut cells);
        assert_eq!(cells, [Some("3"), Some("2"), None], "what is computed is not read");
        let more =
            schema("table = \"t\"\n[[column]]\nname = \"gone\"\nmeasure = { scale = 0, min = 0, max = 9 }\n");
        let error = table.map(&more).expect_err("incomplete").to_string();
        assert!(error.contains("`gone`") && error.contains("`z`"), "{error}");
    }
}
