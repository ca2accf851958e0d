//! From rows to a manifest: one pass over the table that sums and encrypts chunk by chunk, then the
//! sums themselves. Holds one chunk of rows and the cells of the aggregates, never the table.

use std::path::Path;

use rayon::prelude::*;
use sordino_fhe::{evaluation_keys, keys::KeyBundle, rollup::Aggregator, scan};
use sordino_protocol::{
    coded::CodedTable,
    layout::{Chunk, RollupLayout, ScanLayout},
    manifest::{Manifest, ObjectRef},
    merkle,
    schema::Schema,
};

use super::{
    Plan, Progress, PublishError, Request, Stage,
    spool::{Part, Spool},
};
use crate::{
    ClientError,
    table::{Table, TableError},
};

/// The object of a chunk, and its rows.
pub(super) type Encrypted = (ObjectRef, u64);

/// Rows summed at a time when no chunks are made.
pub(super) const BATCH: usize = 8_192;

/// Encrypts everything that is not in the spool yet.
pub(super) fn encrypt(
    keys: &KeyBundle,
    request: &Request,
    plan: &Plan,
    spool: &Spool,
    progress: &dyn Progress,
) -> Result<Manifest, ClientError> {
    let schema = &request.schema;
    let mut aggregator = plan.rollup.as_ref().map(|layout| Aggregator::new(schema, layout));
    let mut chunks = Vec::new();
    let mut scores = plan.score.as_ref().map(|layout| Scores::new(schema, layout));
    progress.begin(Stage::Rows, plan.rows);
    let batch_rows = plan.scan.as_ref().and_then(|s| s.parameter_set.scan()).map_or(BATCH, |p| p.degree);
    let read = batches(&request.table, schema, batch_rows, |batch| {
        if let Some(aggregator) = &mut aggregator {
            aggregator.add(batch);
        }
        if let Some(layout) = &plan.scan {
            chunks.push(chunk(keys, schema, layout, batch, Part::Chunk(chunks.len() as u64), spool)?);
        }
        if let Some(scores) = &mut scores {
            scores.add(keys, schema, batch, spool)?;
        }
        progress.advance(batch.rows as u64);
        Ok(())
    })?;
    if read != plan.rows {
        return Err(PublishError::TableChanged { planned: plan.rows, read }.into());
    }
    let mut objects = Vec::new();
    let rollup = match (&plan.rollup, aggregator) {
        (Some(layout), Some(aggregator)) => {
            let segments = segments(keys, &aggregator, spool, progress)?;
            objects.extend(&segments);
            let segments = segments.iter().map(|object| object.digest).collect();
            Some(RollupLayout { segments, ..layout.clone() })
        }
        _ => None,
    };
    let mut listed = |layout: &ScanLayout, chunks: &[Encrypted], part| {
        let evaluation_keys = evaluation_key_object(keys, layout, part, spool, progress)?;
        objects.extend(chunks.iter().map(|(object, _)| *object));
        objects.push(evaluation_keys);
        let chunks = chunks.iter().map(|(object, rows)| Chunk { object: object.digest, rows: *rows });
        let (chunks, evaluation_keys) = (chunks.collect(), evaluation_keys.digest);
        Ok::<_, ClientError>(ScanLayout { chunks, evaluation_keys, ..layout.clone() })
    };
    let scan = plan.scan.as_ref().map(|layout| listed(layout, &chunks, Part::EvaluationKeys)).transpose()?;
    let score = match scores {
        Some(scores) => {
            let (layout, chunks) = scores.finish(keys, schema, spool)?;
            Some(listed(layout, &chunks, Part::ScoreKeys)?)
        }
        None => None,
    };
    let sandbox = match &plan.sandbox {
        Some(csv) => Some(spool.put(Part::Sandbox, csv)?),
        None => None,
    };
    objects.extend(sandbox);
    let digests: Vec<_> = objects.iter().map(|object| object.digest).collect();
    Ok(Manifest {
        lineage: spool.lineage(),
        version: 1,
        previous: None,
        schema: schema.clone(),
        rows: plan.rows,
        rollup,
        scan,
        score,
        sandbox: sandbox.map(|object| object.digest),
        root: merkle::root(&digests),
        objects,
    })
}

/// The rows for scores of models, whose chunks are larger than batches may be.
pub(super) struct Scores<'a> {
    layout: &'a ScanLayout,
    waiting: CodedTable,
    chunks: Vec<Encrypted>,
}

impl<'a> Scores<'a> {
    pub(super) fn new(schema: &Schema, layout: &'a ScanLayout) -> Self {
        Self { layout, waiting: CodedTable::new(schema), chunks: Vec::new() }
    }

    /// Adds a batch of at most as many rows as a chunk has room for, and of which a chunk is a multiple.
    pub(super) fn add(
        &mut self,
        keys: &KeyBundle,
        schema: &Schema,
        batch: &CodedTable,
        spool: &Spool,
    ) -> Result<(), ClientError> {
        let slots = self.layout.parameter_set.scan().map_or(BATCH, |numbers| numbers.degree);
        if self.waiting.rows + batch.rows > slots {
            self.flush(keys, schema, spool)?;
        }
        self.waiting.extend(batch);
        if self.waiting.rows == slots { self.flush(keys, schema, spool) } else { Ok(()) }
    }

    fn flush(&mut self, keys: &KeyBundle, schema: &Schema, spool: &Spool) -> Result<(), ClientError> {
        if self.waiting.rows == 0 {
            return Ok(());
        }
        let part = Part::Score(self.chunks.len() as u64);
        self.chunks.push(chunk(keys, schema, self.layout, &self.waiting, part, spool)?);
        self.waiting = CodedTable::new(schema);
        Ok(())
    }

    /// The layout and all its chunks.
    pub(super) fn finish(
        mut self,
        keys: &KeyBundle,
        schema: &Schema,
        spool: &Spool,
    ) -> Result<(&'a ScanLayout, Vec<Encrypted>), ClientError> {
        self.flush(keys, schema, spool)?;
        Ok((self.layout, self.chunks))
    }
}

/// Reads and encodes the table in batches of `size` rows, the last one smaller.
pub(super) fn batches(
    table: &Path,
    schema: &Schema,
    size: usize,
    mut each: impl FnMut(&CodedTable) -> Result<(), ClientError>,
) -> Result<u64, ClientError> {
    let table = Table::open(table)?;
    let mapping = table.map(schema)?;
    let mut batch = CodedTable::new(schema);
    let rows = table.visit::<ClientError>(|row, cells| {
        let mut selected = Vec::with_capacity(schema.columns.len());
        mapping.select(cells, &mut selected);
        batch
            .push(schema, row, &selected)
            .map_err(|error| TableError::Row { path: table.path().to_owned(), error })?;
        if batch.rows == size {
            each(&batch)?;
            batch = CodedTable::new(schema);
        }
        Ok(())
    })?;
    if batch.rows > 0 {
        each(&batch)?;
    }
    Ok(rows)
}

pub(super) fn chunk(
    keys: &KeyBundle,
    schema: &Schema,
    layout: &ScanLayout,
    batch: &CodedTable,
    part: Part,
    spool: &Spool,
) -> Result<Encrypted, ClientError> {
    let object = match spool.get(part) {
        Some(object) => object,
        None => {
            let bytes = scan::encrypt_chunk(&keys.secret, schema, layout, batch, &mut rand::rng())?;
            spool.put(part, &bytes)?
        }
    };
    Ok((object, batch.rows as u64))
}

pub(super) fn segments(
    keys: &KeyBundle,
    aggregator: &Aggregator,
    spool: &Spool,
    progress: &dyn Progress,
) -> Result<Vec<ObjectRef>, ClientError> {
    progress.begin(Stage::Aggregates, aggregator.segments());
    (0..aggregator.segments())
        .into_par_iter()
        .map(|index| {
            let part = Part::Segment(index);
            let object = match spool.get(part) {
                Some(object) => object,
                None => {
                    let bytes = aggregator.encrypt_segment(index, &keys.secret, &mut rand::rng())?;
                    spool.put(part, &bytes)?
                }
            };
            progress.advance(1);
            Ok(object)
        })
        .collect()
}

fn evaluation_key_object(
    keys: &KeyBundle,
    layout: &ScanLayout,
    part: Part,
    spool: &Spool,
    progress: &dyn Progress,
) -> Result<ObjectRef, ClientError> {
    progress.begin(Stage::EvaluationKeys, 1);
    let object = match spool.get(part) {
        Some(object) => object,
        None => {
            let bytes = evaluation_keys::generate(&keys.secret, layout.parameter_set, &mut rand::rng())?;
            spool.put(part, &bytes)?
        }
    };
    progress.advance(1);
    Ok(object)
}
