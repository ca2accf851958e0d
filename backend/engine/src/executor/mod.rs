//! Runs programs on stored ciphertext: on a bounded pool of threads of its own, never on the async
//! runtime, with exact progress, and stopped at the next operation when nobody wants the result.
//!
//! Memory is bounded by what is in flight, not by the dataset: a scan works on at most as many chunks
//! as there are threads and as fit a budget, over all evaluations together, and reads only the slices
//! it needs; a rollup reads a segment, uses it and drops it.

mod admission;
mod error;
pub(crate) mod keys;
mod objects;
mod progress;
mod rollup;
mod scan;
mod threads;

#[cfg(test)]
mod tests;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use object_store::ObjectStore;
use sordino_protocol::{
    cost::OperationCounts,
    manifest::Manifest,
    program::{Program, RollupProgram, ScanProgram},
};
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::sync::CancellationToken;

pub use error::EngineError;
pub use keys::KeyCacheStats;
pub use progress::JobProgress;

use admission::{Admission, Admitted};
use keys::KeyCache;
use objects::Objects;
use progress::Watched;
use scan::{Handover, Scan};
use threads::Threads;

/// What an evaluation yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The canonical bytes of the output ciphertexts; their object digest names them.
    pub outputs: Vec<u8>,
    /// How long it computed, waiting for its turn excluded.
    pub elapsed: Duration,
}

/// Evaluates programs. One per process: the bounds hold for all its evaluations together.
#[derive(Debug)]
pub struct Executor {
    threads: Threads,
    admission: Admission,
    keys: Arc<KeyCache>,
}

impl Executor {
    /// With so many threads; 0 is taken as 1.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(threads: usize) -> Result<Self, EngineError> {
        let threads = u32::try_from(threads.clamp(1, 1_024)).unwrap_or(1);
        Ok(Self {
            threads: Threads::start(threads as usize)?,
            admission: Admission::new(threads),
            keys: Arc::new(KeyCache::default()),
        })
    }

    /// How the cache of evaluation keys does.
    pub fn key_cache(&self) -> KeyCacheStats {
        self.keys.stats()
    }

    /// Evaluates `program`, which was planned for `manifest`, over `objects`. Dropping the future
    /// stops the evaluation, as [`JobProgress::cancel`] does.
    ///
    /// # Errors
    /// When an object is missing or damaged, the program does not fit the dataset, or it is cancelled.
    pub async fn evaluate(
        &self,
        objects: Arc<dyn ObjectStore>,
        manifest: Arc<Manifest>,
        program: Arc<Program>,
        progress: Arc<JobProgress>,
    ) -> Result<Evaluation, EngineError> {
        self.evaluate_with(objects, manifest, program, progress, Handover::default()).await
    }

    async fn evaluate_with(
        &self,
        objects: Arc<dyn ObjectStore>,
        manifest: Arc<Manifest>,
        program: Arc<Program>,
        progress: Arc<JobProgress>,
        handover: Handover,
    ) -> Result<Evaluation, EngineError> {
        let chunks = manifest.chunks(program.parameter_set());
        progress.start(OperationCounts::of(&program, chunks).total());
        let stop = progress.token().child_token();
        // Dropped with this future: nobody waits for the result any more.
        let _stop_when_dropped = stop.clone().drop_guard();
        let share = self.admission.share(&program, chunks);
        let admitted = self.admission.admit(share, &stop).await?;
        let started = Instant::now();
        let objects = Objects::new(objects, Handle::current(), stop.clone());
        let work = Work { objects, manifest, progress, stop: stop.clone(), admitted };
        let outputs = match program.as_ref() {
            Program::Rollup(program) => self.rollup(work, program.clone()).await,
            Program::Scan(program) => self.scan(work, program.clone(), share.lanes, handover).await,
        }?;
        if stop.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        Ok(Evaluation { outputs, elapsed: started.elapsed() })
    }

    async fn rollup(&self, work: Work, program: RollupProgram) -> Result<Vec<u8>, EngineError> {
        let (send, receive) = oneshot::channel();
        self.threads.pool().spawn(move || {
            let evaluate = || {
                let watched = Watched { progress: &work.progress, stop: &work.stop };
                rollup::evaluate(&work.objects, &work.manifest, &program, &watched)
            };
            let result = catch_unwind(AssertUnwindSafe(evaluate)).unwrap_or(Err(EngineError::Panicked));
            drop(work);
            // Nobody may be waiting any more.
            let _ = send.send(result);
        });
        let outputs = receive.await.unwrap_or(Err(EngineError::Panicked))?;
        Ok(outputs.to_bytes())
    }

    async fn scan(
        &self,
        work: Work,
        program: ScanProgram,
        lanes: u32,
        handover: Handover,
    ) -> Result<Vec<u8>, EngineError> {
        let scan = Scan {
            objects: work.objects,
            manifest: work.manifest,
            program: Arc::new(program),
            progress: work.progress,
            stop: work.stop,
            keys: Arc::clone(&self.keys),
            pool: Arc::clone(self.threads.pool()),
            lanes,
            handover,
            admitted: work.admitted,
        };
        match self.threads.drive(scan.evaluate()) {
            Some(driven) => driven.await.unwrap_or(Err(EngineError::Panicked)),
            None => Err(EngineError::Cancelled),
        }
    }
}

/// What evaluations of either layout need.
struct Work {
    objects: Objects,
    manifest: Arc<Manifest>,
    progress: Arc<JobProgress>,
    stop: CancellationToken,
    admitted: Admitted,
}
