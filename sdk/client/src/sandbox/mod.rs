//! The sandbox of a listing: synthetic rows in clear that look like those that nobody shows. Buyers rehearse
//! on them what they would otherwise pay for. The owner makes them ([`synthesise`]) or brings them, and
//! publishes them with the table; the signed manifest names them by digest.

mod synthesise;

use std::path::Path;

use sordino_protocol::{
    api::Listing,
    coded::{CodedTable, RowError},
    digest::{Digest, Purpose},
    manifest::MAX_SANDBOX_BYTES,
    schema::{Schema, SchemaError},
};

pub use synthesise::{Options, synthesise};

use crate::{
    ClientError,
    api::Client,
    gate::GateError,
    table::{Table, TableError},
};

/// The most rows.
pub const MAX_ROWS: usize = 10_000;

/// Synthetic rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// A text for each column of the schema; none where a row has no value.
    pub rows: Vec<Vec<Option<String>>>,
    /// By code.
    pub coded: CodedTable,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Too many rows or bytes.
    #[error(
        "a sandbox has at most {MAX_ROWS} rows and {MAX_SANDBOX_BYTES} bytes, this one {rows} and {bytes}"
    )]
    Size {
        /// Its rows.
        rows: usize,
        /// Its bytes as CSV.
        bytes: usize,
    },
    /// A row does not fit the schema.
    #[error("the sandbox: {0}")]
    Row(#[from] RowError),
    /// It is no CSV of the listing's columns.
    #[error("the listing's sandbox is not as its schema says: {0}")]
    Format(String),
    /// An option is out of its range.
    #[error("{option}: expected {expected}")]
    Option {
        /// Which.
        option: &'static str,
        /// What is accepted.
        expected: String,
    },
    /// The table is to be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The schema is to be valid.
    #[error("schema: {0}")]
    Schema(#[from] SchemaError),
    /// Noise could not be drawn.
    #[error(transparent)]
    Noise(#[from] GateError),
}

impl Sandbox {
    fn new(schema: &Schema) -> Self {
        Self { rows: vec![], coded: CodedTable::new(schema) }
    }

    fn push(&mut self, schema: &Schema, line: u64, cells: &[Option<&str>]) -> Result<(), RowError> {
        self.coded.push(schema, line, cells)?;
        let value = |cell: &Option<&str>| cell.filter(|text| !schema.is_null(text)).map(str::to_owned);
        self.rows.push(cells.iter().map(value).collect());
        Ok(())
    }

    /// The rows of a file. Of its columns, only those of the schema are read.
    ///
    /// # Errors
    /// When it cannot be read, or a row does not fit.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, SandboxError> {
        let table = Table::open(path)?;
        let mapping = table.map(schema)?;
        let mut sandbox = Self::new(schema);
        table.visit(|line, cells| -> Result<(), SandboxError> {
            if sandbox.rows.len() == MAX_ROWS {
                return Err(SandboxError::Size { rows: MAX_ROWS + 1, bytes: 0 });
            }
            let mut selected = vec![];
            mapping.select(cells, &mut selected);
            let wrong = |error| TableError::Row { path: path.to_owned(), error };
            Ok(sandbox.push(schema, line, &selected).map_err(wrong)?)
        })?;
        Ok(sandbox)
    }

    /// The rows as CSV with a header: what is published, and nothing else of the file they came from.
    ///
    /// # Errors
    /// When they are too many.
    pub fn csv(&self, schema: &Schema) -> Result<Vec<u8>, SandboxError> {
        let written: Vec<usize> =
            (0..schema.columns.len()).filter(|index| !schema.columns[*index].is_derived()).collect();
        let null = schema.null_values.first().map_or("", String::as_str);
        let mut writer = csv::Writer::from_writer(vec![]);
        let failed = |error: csv::Error| SandboxError::Format(error.to_string());
        writer.write_record(written.iter().map(|index| &schema.columns[*index].name)).map_err(failed)?;
        for row in &self.rows {
            let cells = written.iter().map(|index| row[*index].as_deref().unwrap_or(null));
            writer.write_record(cells).map_err(failed)?;
        }
        let bytes = writer.into_inner().map_err(|error| SandboxError::Format(error.to_string()))?;
        if bytes.len() as u64 > MAX_SANDBOX_BYTES || self.rows.len() > MAX_ROWS {
            return Err(SandboxError::Size { rows: self.rows.len(), bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// The rows of published CSV.
    ///
    /// # Errors
    /// When it is not what [`Self::csv`] writes.
    pub fn parse(bytes: &[u8], schema: &Schema) -> Result<Self, SandboxError> {
        let wrong = |error: csv::Error| SandboxError::Format(error.to_string());
        let mut reader = csv::Reader::from_reader(bytes);
        let header = reader.headers().map_err(wrong)?.clone();
        let place = |name: &str| header.iter().position(|column| column == name);
        let places: Vec<Option<usize>> = schema.columns.iter().map(|column| place(&column.name)).collect();
        let mut sandbox = Self::new(schema);
        for (row, record) in reader.records().enumerate() {
            let record = record.map_err(wrong)?;
            if row == MAX_ROWS {
                return Err(SandboxError::Size { rows: MAX_ROWS + 1, bytes: bytes.len() });
            }
            let cells: Vec<Option<&str>> =
                places.iter().map(|place| place.and_then(|place| record.get(place))).collect();
            sandbox.push(schema, row as u64 + 2, &cells)?;
        }
        Ok(sandbox)
    }
}

/// The sandbox of a listing, as its owner signed it; none if it has none.
///
/// # Errors
/// When the manifest or the rows are not the owner's; those of the network and the platform.
pub async fn fetch(client: &Client, listing: &Listing) -> Result<Option<Sandbox>, ClientError> {
    let manifest = client.manifest(listing.id).await?;
    let manifest = manifest.verify(&listing.owner_key)?;
    let Some(expected) = manifest.sandbox else { return Ok(None) };
    let bytes = client.sandbox(listing.id).await?;
    let actual = Digest::of(Purpose::Object, &bytes);
    if actual != expected {
        return Err(ClientError::ObjectDigest { expected, actual });
    }
    Ok(Some(Sandbox::parse(&bytes, &listing.schema)?))
}
