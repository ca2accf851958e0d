//! How much may be in flight, over all evaluations of the process together: chunks by the number of
//! threads, and bytes of slices by a budget, so that a program of many slices gets fewer lanes instead
//! of more memory.

use std::sync::Arc;

use sordino_fhe::scan;
use sordino_protocol::program::Program;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::EngineError;

const MIB: u64 = 1 << 20;
/// Serialised slices in flight; a chunk that alone has more is evaluated alone.
const SLICE_BUDGET_MIB: u32 = 512;
/// What the Parquet page around a slice adds.
const FRAMING: u64 = 1 << 10;

/// Gives evaluations their turn, in the order in which they ask.
#[derive(Debug)]
pub(super) struct Admission {
    threads: u32,
    lanes: Arc<Semaphore>,
    slices: Arc<Semaphore>,
}

/// What an evaluation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// Chunks that it works on at a time.
    pub(super) lanes: u32,
    slices_mib: u32,
}

/// The permission, until it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    _lanes: OwnedSemaphorePermit,
    _slices: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(threads: u32) -> Self {
        Self {
            threads,
            lanes: Arc::new(Semaphore::new(threads as usize)),
            slices: Arc::new(Semaphore::new(SLICE_BUDGET_MIB as usize)),
        }
    }

    /// The share of a program over so many chunks. A rollup holds one segment at a time.
    pub(super) fn share(&self, program: &Program, chunks: u64) -> Share {
        match program {
            Program::Rollup(_) => Share { lanes: 1, slices_mib: 1 },
            Program::Scan(program) => {
                let slice = scan::slice_size(program.parameter_set).unwrap_or(0) + FRAMING;
                self.scan_share(slice * program.slices.len() as u64, chunks)
            }
        }
    }

    /// The share of a scan that needs so many bytes of each of so many chunks.
    fn scan_share(&self, chunk: u64, chunks: u64) -> Share {
        let fit = u64::from(SLICE_BUDGET_MIB) * MIB / chunk.max(1);
        let lanes = chunks.min(fit).clamp(1, u64::from(self.threads));
        let slices_mib = (lanes * chunk).div_ceil(MIB).clamp(1, u64::from(SLICE_BUDGET_MIB));
        // Both are below a limit that is a u32.
        Share { lanes: lanes as u32, slices_mib: slices_mib as u32 }
    }

    /// Waits for its turn.
    pub(super) async fn admit(
        &self,
        share: Share,
        stop: &CancellationToken,
    ) -> Result<Admitted, EngineError> {
        let turn = async {
            let lanes = Arc::clone(&self.lanes).acquire_many_owned(share.lanes).await;
            let slices = Arc::clone(&self.slices).acquire_many_owned(share.slices_mib).await;
            match (lanes, slices) {
                (Ok(lanes), Ok(slices)) => Ok(Admitted { _lanes: lanes, _slices: slices }),
                // Nothing closes the semaphores.
                _ => Err(EngineError::Cancelled),
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(EngineError::Cancelled),
            admitted = turn => admitted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_bounded_by_chunks_threads_and_bytes() {
        let admission = Admission::new(64);
        let lanes = |chunk_mib, chunks| admission.scan_share(chunk_mib * MIB, chunks).lanes;
        assert_eq!(lanes(4, 3), 3);
        assert_eq!(lanes(4, 1_000), 64);
        // As much as 150 slices of the larger set.
        assert_eq!(lanes(125, 1_000), 4);
        assert_eq!(lanes(2_000, 1_000), 1);
        for chunk_mib in [0, 1, 4, 125, 2_000] {
            let share = admission.scan_share(chunk_mib * MIB, 1_000);
            assert!((1..=SLICE_BUDGET_MIB).contains(&share.slices_mib), "{share:?}");
        }
        assert_eq!(Admission::new(2).scan_share(125 * MIB, 61).lanes, 2);
    }

    #[tokio::test]
    async fn those_who_ask_for_more_than_is_free_wait() {
        let (admission, stop) = (Admission::new(4), CancellationToken::new());
        let wide = admission.scan_share(2_000 * MIB, 10);
        let narrow = admission.scan_share(4 * MIB, 1);
        let first = admission.admit(wide, &stop).await.expect("free");
        let waiting = tokio::time::timeout(std::time::Duration::ZERO, admission.admit(narrow, &stop)).await;
        assert!(waiting.is_err(), "the slices of the first are in flight");
        drop(first);
        let second = admission.admit(narrow, &stop).await.expect("free again");
        stop.cancel();
        assert!(matches!(admission.admit(narrow, &stop).await, Err(EngineError::Cancelled)));
        drop(second);
    }
}
