//! Runs programs on stored ciphertext: on a bounded pool of threads of its own, never on the async
//! runtime, with exact progress, and stopped at the next operation when nobody wants the result.
//!
//! Memory is bounded by what is in flight, not by the dataset: a scan works on at most as many chunks
//! as there are threads, over all evaluations together, and reads only the slices it needs next; a
//! rollup reads a segment, uses it and drops it.

mod error;
mod keys;
mod objects;
mod progress;
mod rollup;
mod scan;

#[cfg(test)]
mod tests;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use object_store::ObjectStore;
use rayon::{ThreadPool, ThreadPoolBuilder};
use sordino_protocol::{cost::OperationCounts, manifest::Manifest, program::Program};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
};
use tokio_util::sync::CancellationToken;

pub use error::EngineError;
pub use progress::JobProgress;

use keys::KeyCache;
use objects::Objects;
use progress::Watched;

/// Stack of a pool thread; an idle thread that waits for one task may run another on top of it.
const STACK_BYTES: usize = 8 << 20;

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
    pool: ThreadPool,
    /// Chunks that may be in flight, one permit each; a rollup takes one.
    slots: Arc<Semaphore>,
    threads: u32,
    keys: Arc<KeyCache>,
}

impl Executor {
    /// With so many threads; 0 is taken as 1.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(threads: usize) -> Result<Self, EngineError> {
        let threads = u32::try_from(threads.clamp(1, 1_024)).unwrap_or(1);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads as usize)
            .stack_size(STACK_BYTES)
            .thread_name(|index| format!("evaluate-{index}"))
            .build()
            .map_err(|error| EngineError::Threads { reason: error.to_string() })?;
        let slots = Arc::new(Semaphore::new(threads as usize));
        Ok(Self { pool, slots, threads, keys: Arc::new(KeyCache::default()) })
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
        let chunks = manifest.scan.as_ref().map_or(0, |scan| scan.chunks.len() as u64);
        progress.start(OperationCounts::of(&program, chunks).total());
        let stop = progress.token().child_token();
        // Dropped with this future: nobody waits for the result any more.
        let _stop_when_dropped = stop.clone().drop_guard();
        let lanes = match program.as_ref() {
            Program::Rollup(_) => 1,
            Program::Scan(_) => u32::try_from(chunks).unwrap_or(u32::MAX).clamp(1, self.threads),
        };
        let permit = self.admit(lanes, &stop).await?;
        let work = Work {
            objects: Objects::new(objects, Handle::current(), stop.clone()),
            manifest,
            program,
            progress,
            stop,
            keys: Arc::clone(&self.keys),
            lanes,
        };
        let (send, receive) = oneshot::channel();
        self.pool.spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| work.run())).unwrap_or(Err(EngineError::Panicked));
            drop((work, permit));
            // Nobody may be waiting any more.
            let _ = send.send(result);
        });
        receive.await.unwrap_or(Err(EngineError::Panicked))
    }

    async fn admit(&self, lanes: u32, stop: &CancellationToken) -> Result<OwnedSemaphorePermit, EngineError> {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(EngineError::Cancelled),
            permit = Arc::clone(&self.slots).acquire_many_owned(lanes) => {
                permit.map_err(|_| EngineError::Cancelled)
            }
        }
    }
}

/// One evaluation, on the pool.
struct Work {
    objects: Objects,
    manifest: Arc<Manifest>,
    program: Arc<Program>,
    progress: Arc<JobProgress>,
    stop: CancellationToken,
    keys: Arc<KeyCache>,
    lanes: u32,
}

impl Work {
    fn run(&self) -> Result<Evaluation, EngineError> {
        let started = Instant::now();
        let watched = Watched { progress: &self.progress, stop: &self.stop };
        let outputs = match self.program.as_ref() {
            Program::Rollup(program) => rollup::evaluate(&self.objects, &self.manifest, program, &watched),
            Program::Scan(program) => {
                scan::evaluate(&self.objects, &self.manifest, program, &self.keys, self.lanes, &watched)
            }
        }?;
        if self.stop.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        Ok(Evaluation { outputs: outputs.to_bytes(), elapsed: started.elapsed() })
    }
}
