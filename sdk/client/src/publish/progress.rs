//! Progress of a publication.

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Rows are read, encoded, summed and, chunk by chunk, encrypted; counted in rows.
    Rows,
    /// The sums are encrypted; counted in segments.
    Aggregates,
    /// Evaluation keys are made; one step.
    EvaluationKeys,
    /// Objects are sent; counted in bytes.
    Upload,
}

/// Told how far a publication is; called from several threads.
pub trait Progress: Send + Sync {
    /// A stage begins that has so many steps.
    fn begin(&self, stage: Stage, total: u64);
    /// So many more steps of the stage are done.
    fn advance(&self, steps: u64);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Stage, _: u64) {}
    fn advance(&self, _: u64) {}
}
