//! What the operators of one scan share: the program, the keys, the threads, and how it goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::error::DataFusionError;
use rayon::ThreadPool;
use sordino_fhe::{
    error::FheError,
    outputs::Outputs,
    scan::{Evaluator, Partial, SliceSource},
};
use sordino_protocol::program::ScanProgram;
use tokio_util::sync::CancellationToken;

use crate::executor::{EngineError, JobProgress, admission::Admitted, objects::uncarried, progress::Watched};

/// One scan. Its operators report the error that stops it here, since what DataFusion makes of an
/// error on its way is not for a program to read.
pub(super) struct Run {
    pub(super) evaluator: Arc<Evaluator>,
    pub(super) program: Arc<ScanProgram>,
    pub(super) progress: Arc<JobProgress>,
    /// Cancelled from outside, or by the first failure: the other lanes stop as well.
    pub(super) stop: CancellationToken,
    pub(super) pool: Arc<ThreadPool>,
    pub(super) failure: Mutex<Option<EngineError>>,
    /// Its place among the evaluations; given back when the last operator is gone.
    pub(super) _admitted: Admitted,
}

/// Stands for the error that a [`Run`] keeps.
#[derive(Debug, thiserror::Error)]
#[error("the scan failed")]
pub(super) struct Failed;

impl Run {
    /// Keeps the first failure and stops the scan.
    pub(super) fn fail(&self, error: EngineError) -> Failed {
        let mut failure = self.failure();
        if failure.is_none() {
            *failure = Some(error);
        }
        self.stop.cancel();
        Failed
    }

    /// The failure, if one was kept.
    pub(super) fn take_failure(&self) -> Option<EngineError> {
        self.failure().take()
    }

    /// A failure was stored whole or not at all, so a panic elsewhere does not matter.
    fn failure(&self) -> MutexGuard<'_, Option<EngineError>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn evaluate_chunk(&self, chunk: &dyn SliceSource) -> Result<Partial, DataFusionError> {
        self.compute(|watched| self.evaluator.evaluate_chunk(&self.program, chunk, watched))
    }

    pub(super) fn merge(&self, into: &mut Partial, other: Partial) -> Result<(), DataFusionError> {
        self.compute(|watched| self.evaluator.merge(into, other, watched))
    }

    pub(super) fn finish(&self, partial: Partial) -> Result<Outputs, DataFusionError> {
        self.compute(|watched| self.evaluator.finish(&self.program, partial, watched))
    }

    /// Computes on the pool while the calling thread waits.
    pub(super) fn compute<T: Send>(
        &self,
        work: impl FnOnce(&Watched<'_>) -> Result<T, FheError> + Send,
    ) -> Result<T, DataFusionError> {
        let watched = Watched { progress: &self.progress, stop: &self.stop };
        if self.stop.is_cancelled() {
            return Err(DataFusionError::External(Box::new(self.fail(EngineError::Cancelled))));
        }
        let done = self.pool.install(|| work(&watched));
        done.map_err(|error| DataFusionError::External(Box::new(self.fail(uncarried(error)))))
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Run({} slices, {} outputs)", self.program.slices.len(), self.program.outputs.len())
    }
}
