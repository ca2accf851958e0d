//! Evaluation of scan programs through DataFusion: the slices that a program needs are read from the
//! Parquet chunks, an aggregate function evaluates the program on each chunk and adds up, lane by lane,
//! and the lanes are merged and finished once.
//!
//! A lane has one chunk in flight: it reads a row, evaluates it and drops it before it reads the next,
//! so memory is bounded by the slices of as many chunks as there are lanes.

mod aggregate;
mod chunk_file;
mod handover;
mod plan;
mod row;
mod run;

use std::sync::{Arc, Mutex};

use datafusion::{arrow::array::RecordBatch, error::DataFusionError, physical_plan::collect};
use rayon::ThreadPool;
use sordino_fhe::scan::Evaluator;
use sordino_protocol::{
    layout::LayoutKind,
    manifest::{Manifest, ObjectRef},
    parameters::ParameterSet,
    program::ScanProgram,
};
use tokio_util::sync::CancellationToken;

use super::{EngineError, JobProgress, admission::Admitted, keys::KeyCache, objects::Objects};
use chunk_file::ChunkFiles;
use plan::Outline;
use run::Run;

pub(super) use handover::Handover;

/// One evaluation of a scan program.
pub(super) struct Scan {
    pub(super) objects: Objects,
    pub(super) manifest: Arc<Manifest>,
    pub(super) program: Arc<ScanProgram>,
    pub(super) progress: Arc<JobProgress>,
    pub(super) stop: CancellationToken,
    pub(super) keys: Arc<KeyCache>,
    pub(super) pool: Arc<ThreadPool>,
    pub(super) lanes: u32,
    pub(super) handover: Handover,
    pub(super) admitted: Admitted,
}

impl Scan {
    /// The outputs in their canonical bytes.
    pub(super) async fn evaluate(self) -> Result<Vec<u8>, EngineError> {
        let set = self.program.parameter_set;
        let (_, chunks, key) =
            self.manifest.scan_objects(set).ok_or(EngineError::NoLayout(LayoutKind::Scan))?;
        let (objects, pool) = (&self.objects, &self.pool);
        let evaluator = self.keys.evaluator(key.digest, set, || load(objects, pool, key, set)).await?;
        let run = Arc::new(Run {
            evaluator,
            program: self.program,
            progress: self.progress,
            stop: self.stop,
            pool: self.pool,
            failure: Mutex::new(None),
            _admitted: self.admitted,
        });
        let slices = run.program.slices.clone().into();
        let files = ChunkFiles { run: Arc::clone(&run), objects: self.objects, slices };
        let outline = Outline { files, chunks, lanes: self.lanes, handover: self.handover };
        let outputs = execute(outline).await;
        match (outputs, run.take_failure()) {
            (Ok(_), _) if run.stop.is_cancelled() => Err(EngineError::Cancelled),
            (Ok(Some(outputs)), _) => Ok(outputs),
            // There was no chunk.
            (Ok(None), _) => Err(EngineError::NoLayout(LayoutKind::Scan)),
            (Err(_), Some(failure)) => Err(failure),
            (Err(error), None) => Err(EngineError::Plan(Box::new(error))),
        }
    }
}

async fn execute(outline: Outline<'_>) -> Result<Option<Vec<u8>>, DataFusionError> {
    let (plan, context) = outline.plan()?;
    let rows = collect(plan, context).await?;
    let outputs = |batch: &RecordBatch| row::binary(batch.columns().first()?, 0);
    Ok(rows.iter().find_map(outputs).map(Vec::from))
}

async fn load(
    objects: &Objects,
    pool: &ThreadPool,
    key: &ObjectRef,
    set: ParameterSet,
) -> Result<Evaluator, EngineError> {
    let bytes = objects.fetch(key).await?;
    Ok(pool.install(|| Evaluator::new(set, &bytes))?)
}
