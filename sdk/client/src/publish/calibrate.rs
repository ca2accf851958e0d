//! A short trial of this machine: how many cells and slots it encrypts a second.

use std::time::Instant;

use sordino_fhe::{keys::KeyBundle, rollup::Aggregator, scan};
use sordino_protocol::{
    coded::CodedTable,
    layout_plan::{self, RollupBudget, UploadEstimate},
    parameters::ParameterSet,
    schema::{Column, Domain, Schema},
};

use crate::ClientError;

/// Seconds that making evaluation keys takes; small beside the rest, so not tried.
const EVALUATION_KEYS_SECONDS: f64 = 1.5;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speed {
    seconds_per_cell: f64,
    seconds_per_slot: f64,
}

impl Speed {
    pub(super) fn seconds(&self, upload: &UploadEstimate) -> f64 {
        let keys = if upload.chunks == 0 { 0.0 } else { EVALUATION_KEYS_SECONDS };
        self.seconds_per_cell * upload.cells as f64 + self.seconds_per_slot * upload.slots as f64 + keys
    }
}

/// Encrypts a tiny table of two columns in each layout.
pub(super) fn measure(keys: &KeyBundle, set: Option<ParameterSet>) -> Result<Speed, ClientError> {
    let column = |name: &str, max| Column {
        name: name.to_owned(),
        description: String::new(),
        nullable: false,
        dimension: Some(Domain::Integer { min: 0, max }),
        measure: None,
    };
    let schema = Schema {
        table: "t".to_owned(),
        null_values: vec![],
        columns: vec![column("a", 6), column("b", 4_000)],
    };
    let mut batch = CodedTable::new(&schema);
    // Unwrap-free: the two values lie in the domains above; a refusal leaves the batch empty.
    let _ = batch.push(&schema, 1, &[Some("1"), Some("1")]);

    let layout = layout_plan::rollup(&schema, 1, &RollupBudget::default());
    let mut aggregator = Aggregator::new(&schema, &layout);
    aggregator.add(&batch);
    let started = Instant::now();
    aggregator.encrypt_segment(0, &keys.secret, &mut rand::rng())?;
    let cells = layout.cells.min(sordino_protocol::parameters::ROLLUP_V1.segment_cells());
    // Segments are encrypted on all cores at once.
    let threads = rayon::current_num_threads() as f64;
    let seconds_per_cell = started.elapsed().as_secs_f64() / cells.max(1) as f64 / threads;

    let Some(set) = set else { return Ok(Speed { seconds_per_cell, seconds_per_slot: 0.0 }) };
    let schema = Schema { columns: vec![column("a", 6)], ..schema };
    let mut batch = CodedTable::new(&schema);
    let _ = batch.push(&schema, 1, &[Some("1")]);
    let mut layout = layout_plan::scan(&schema, 1);
    layout.parameter_set = set;
    // Once to build the context, which is kept; then for the clock.
    scan::encrypt_chunk(&keys.secret, &schema, &layout, &batch, &mut rand::rng())?;
    let started = Instant::now();
    scan::encrypt_chunk(&keys.secret, &schema, &layout, &batch, &mut rand::rng())?;
    let degree = set.scan().map_or(1, |parameters| parameters.degree);
    let slots = layout.slices().len() * degree;
    Ok(Speed { seconds_per_cell, seconds_per_slot: started.elapsed().as_secs_f64() / slots as f64 })
}
