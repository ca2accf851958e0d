//! How far an evaluation is: exact, because the operations of a program are known before it runs.

use std::sync::atomic::{AtomicU64, Ordering};

use sordino_fhe::progress::Progress;
use tokio_util::sync::CancellationToken;

/// The progress of one job, shared by the evaluation and those who watch it.
#[derive(Debug, Default)]
pub struct JobProgress {
    done: AtomicU64,
    total: AtomicU64,
    cancel: CancellationToken,
}

impl JobProgress {
    /// Nothing done yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Operations done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Operations in all; 0 until the evaluation is asked for.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Stops the evaluation at its next operation.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    pub(super) fn start(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) const fn token(&self) -> &CancellationToken {
        &self.cancel
    }
}

impl Progress for JobProgress {
    fn advance(&self, operations: u64) {
        self.done.fetch_add(operations, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.is_cancelled()
    }
}

/// The progress of a job during one evaluation of it, which also ends when nobody waits for it.
pub(super) struct Watched<'a> {
    pub(super) progress: &'a JobProgress,
    pub(super) stop: &'a CancellationToken,
}

impl Progress for Watched<'_> {
    fn advance(&self, operations: u64) {
        self.progress.advance(operations);
    }

    fn cancelled(&self) -> bool {
        self.stop.is_cancelled()
    }
}
