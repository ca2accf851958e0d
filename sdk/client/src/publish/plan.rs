//! What a publication will encrypt, what stays public, how much is sent and how long it takes, known
//! before anything is encrypted. Planning reads the whole table and checks every value.

use std::{fs::File, io::Read, sync::Arc};

use sordino_fhe::keys::KeyBundle;
use sordino_protocol::{
    coded::CodedTable,
    digest::{Digest, Hasher, Purpose},
    layout::{RollupLayout, ScanLayout},
    layout_plan::{self, Alternative, Budget, ColumnChoice, Publication, UploadEstimate},
    schema::Schema,
};

use super::{PublishError, Request, calibrate};
use crate::{
    ClientError,
    sandbox::Sandbox,
    table::{Table, TableError},
};

/// Rows encoded at a time.
const BATCH: usize = 8_192;

/// A publication before it starts.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Rows of the table.
    pub rows: u64,
    /// Digest of the file, to notice that a publication is being resumed.
    pub source: Digest,
    /// Layout of the aggregates, if chosen.
    pub rollup: Option<RollupLayout>,
    /// Layout of the bitmap index, if chosen.
    pub scan: Option<ScanLayout>,
    /// The rows for scores of models; no object of it is there yet.
    pub score: Option<ScanLayout>,
    /// Sizes.
    pub upload: UploadEstimate,
    /// The most that may be uploaded.
    pub max_upload: u64,
    /// What else could have been uploaded, and this plan among it.
    pub alternatives: Vec<Alternative>,
    /// Columns that will be encrypted.
    pub encrypted: Vec<ColumnPlan>,
    /// Columns of the schema or the table that are neither encrypted nor sent.
    pub left_out: Vec<String>,
    /// Synthetic rows as CSV, to be published in clear.
    pub sandbox: Option<Vec<u8>>,
    /// Estimated seconds of encryption on this machine, from a short trial.
    pub encrypt_seconds: f64,
}

/// How a column will be encrypted.
#[derive(Debug, Clone)]
pub struct ColumnPlan {
    /// Its name.
    pub name: String,
    /// Its public domain in words, if it can be filtered and grouped by.
    pub dimension: Option<String>,
    /// Its public bounds in words, if it can be summed.
    pub measure: Option<String>,
    /// How it is written in the bitmap index, and why.
    pub choice: ColumnChoice,
}

/// Plans a publication. Reads the table once, off the async runtime.
///
/// # Errors
/// When the table cannot be read, a value does not fit the schema, or the request makes no sense.
pub async fn plan(request: &Request, keys: &Arc<KeyBundle>) -> Result<Plan, ClientError> {
    request.check()?;
    let (request, keys) = (request.clone(), Arc::clone(keys));
    tokio::task::spawn_blocking(move || plan_now(&request, &keys))
        .await
        .map_err(|_| ClientError::Task("plan"))?
}

fn plan_now(request: &Request, keys: &KeyBundle) -> Result<Plan, ClientError> {
    let schema = &request.schema;
    let table = Table::open(&request.table)?;
    let mapping = table.map(schema)?;
    let source = digest_of(&request.table)?;
    let rows = check_rows(&table, schema, &mapping)?;
    let budget = Budget {
        max_upload: request.max_upload,
        rollup: request.rollup.then_some(request.budget),
        scan: request.scan,
        score: request.models,
    };
    let Publication { rollup, scan, score, upload, max_upload, columns, alternatives } =
        layout_plan::publication(schema, rows, &budget).map_err(PublishError::from)?;
    let speed = calibrate::measure(keys, scan.as_ref().map(|layout| layout.parameter_set))?;
    let mut left_out: Vec<String> = schema
        .columns
        .iter()
        .filter(|column| column.dimension.is_none() && column.measure.is_none())
        .map(|column| column.name.clone())
        .collect();
    left_out.extend(mapping.ignored);
    let sandbox =
        request.sandbox.as_ref().map(|path| Sandbox::open(path, schema)?.csv(schema)).transpose()?;
    let encrypted = columns.into_iter().map(|choice| ColumnPlan::new(schema, choice)).collect();
    let encrypt_seconds = speed.seconds(&upload);
    Ok(Plan {
        rows,
        source,
        rollup,
        scan,
        score,
        upload,
        max_upload,
        alternatives,
        encrypted,
        left_out,
        sandbox,
        encrypt_seconds,
    })
}

impl ColumnPlan {
    fn new(schema: &Schema, choice: ColumnChoice) -> Self {
        let column = schema.column(choice.column);
        Self {
            name: column.name.clone(),
            dimension: column.dimension.as_ref().map(sordino_protocol::schema::Domain::describe),
            measure: column.measure.as_ref().map(|m| {
                let text = |value| sordino_protocol::schema::decimal(value, m.scale);
                format!("{} to {}", text(m.min), text(m.max))
            }),
            choice,
        }
    }
}

/// Encodes every row and throws it away: a bad value is found before anything is encrypted.
pub(super) fn check_rows(
    table: &Table,
    schema: &Schema,
    mapping: &crate::table::Mapping,
) -> Result<u64, TableError> {
    let mut batch = CodedTable::new(schema);
    let rows = table.visit(|row, cells| {
        let mut selected = Vec::with_capacity(schema.columns.len());
        mapping.select(cells, &mut selected);
        batch
            .push(schema, row, &selected)
            .map_err(|error| TableError::Row { path: table.path().to_owned(), error })?;
        if batch.rows == BATCH {
            batch = CodedTable::new(schema);
        }
        Ok::<_, TableError>(())
    })?;
    if rows == 0 {
        return Err(TableError::NoRows { path: table.path().to_owned() });
    }
    Ok(rows)
}

pub(super) fn digest_of(path: &std::path::Path) -> Result<Digest, ClientError> {
    let mut file = File::open(path).map_err(ClientError::file(path))?;
    let mut hasher = Hasher::new(Purpose::Object);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(ClientError::file(path))? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(&buffer[..length]),
        }
    }
}
