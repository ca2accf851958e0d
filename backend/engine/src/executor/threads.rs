//! The threads of an executor: a pool that computes, and a runtime that drives the operators of scans.
//!
//! DataFusion calls an aggregate from the thread that polls its stream, and that thread then waits for
//! the pool. On a runtime that also serves requests, evaluations would stop everything else.

use std::{future::Future, sync::Arc};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use super::EngineError;

/// Stack of a pool thread; an idle thread that waits for one task may run another on top of it.
const STACK_BYTES: usize = 8 << 20;

#[derive(Debug)]
pub(super) struct Threads {
    pool: Arc<ThreadPool>,
    /// Always there, until it is dropped.
    drivers: Option<Runtime>,
}

impl Threads {
    /// So many threads that compute.
    pub(super) fn start(threads: usize) -> Result<Self, EngineError> {
        let failed = |reason: String| EngineError::Threads { reason };
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(STACK_BYTES)
            .thread_name(|index| format!("evaluate-{index}"))
            .build()
            .map_err(|error| failed(error.to_string()))?;
        // There are at most as many lanes as threads of the pool; one more thread, and something can
        // always answer, be it that reading ended.
        let drivers = Builder::new_multi_thread()
            .worker_threads(threads + 1)
            .thread_name("scan")
            .enable_time()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { pool: Arc::new(pool), drivers: Some(drivers) })
    }

    /// The threads that compute.
    pub(super) const fn pool(&self) -> &Arc<ThreadPool> {
        &self.pool
    }

    /// Runs operators of a scan, which may wait for the pool.
    pub(super) fn drive<T: Send + 'static>(
        &self,
        scan: impl Future<Output = T> + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        self.drivers.as_ref().map(|drivers| drivers.spawn(scan))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for its threads would block the runtime that drops an executor.
        if let Some(drivers) = self.drivers.take() {
            drivers.shutdown_background();
        }
    }
}
