//! Evaluation of scan programs: chunk by chunk, merged as they come, finished once.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use sordino_fhe::{
    outputs::Outputs,
    progress::Progress,
    scan::{ChunkReader, Evaluator, Partial},
};
use sordino_protocol::{
    layout::LayoutKind,
    manifest::{Manifest, ObjectRef},
    parameters::ParameterSet,
    program::ScanProgram,
};

use super::{
    EngineError,
    keys::KeyCache,
    objects::{Objects, uncarried},
};

/// Evaluates on the current pool, with at most `lanes` chunks in flight.
pub(super) fn evaluate(
    objects: &Objects,
    manifest: &Manifest,
    program: &ScanProgram,
    keys: &KeyCache,
    lanes: u32,
    progress: &dyn Progress,
) -> Result<Outputs, EngineError> {
    let layout = manifest.scan.as_ref().ok_or(EngineError::NoLayout(LayoutKind::Scan))?;
    let first = manifest.rollup.as_ref().map_or(0, |rollup| rollup.segments.len());
    let listed = manifest.objects.get(first..).unwrap_or_default();
    // The manifest lists the chunks in order, then the evaluation keys.
    let (Some(chunks), Some(key)) = (listed.get(..layout.chunks.len()), listed.get(layout.chunks.len()))
    else {
        return Err(EngineError::NoLayout(LayoutKind::Scan));
    };
    let evaluator = keys.evaluator(objects, key, layout.parameter_set)?;
    let run = Run { objects, chunks, evaluator: &evaluator, program, set: layout.parameter_set, progress };
    let partial = run.all(lanes)?;
    evaluator.finish(program, partial, progress).map_err(uncarried)
}

struct Run<'a> {
    objects: &'a Objects,
    chunks: &'a [ObjectRef],
    evaluator: &'a Evaluator,
    program: &'a ScanProgram,
    set: ParameterSet,
    progress: &'a dyn Progress,
}

impl Run<'_> {
    /// Lanes that each take the next chunk until there is none. A parallel iterator over the chunks
    /// would not bound them: a thread that waits inside one chunk may start another.
    fn all(&self, lanes: u32) -> Result<Partial, EngineError> {
        let next = AtomicUsize::new(0);
        let sum: Mutex<Result<Option<Partial>, EngineError>> = Mutex::new(Ok(None));
        rayon::scope(|scope| {
            for _ in 0..lanes {
                scope.spawn(|_| {
                    let lane = self.lane(&next);
                    let failed = lane.is_err();
                    self.join(&sum, lane);
                    if failed {
                        next.store(self.chunks.len(), Ordering::Relaxed);
                    }
                });
            }
        });
        match sum.into_inner().unwrap_or_else(PoisonError::into_inner)? {
            Some(partial) => Ok(partial),
            None => Err(EngineError::NoLayout(LayoutKind::Scan)),
        }
    }

    fn lane(&self, next: &AtomicUsize) -> Result<Option<Partial>, EngineError> {
        let mut sum = None;
        while let Some(chunk) = self.chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            if self.progress.cancelled() {
                return Err(EngineError::Cancelled);
            }
            let reader = ChunkReader::new(self.objects.ranges(chunk)?, self.set)
                .map_err(|error| uncarried(error.into()))?;
            let partial =
                self.evaluator.evaluate_chunk(self.program, &reader, self.progress).map_err(uncarried)?;
            self.add(&mut sum, partial)?;
        }
        Ok(sum)
    }

    fn add(&self, sum: &mut Option<Partial>, partial: Partial) -> Result<(), EngineError> {
        match sum {
            Some(sum) => self.evaluator.merge(sum, partial, self.progress).map_err(uncarried),
            None => {
                *sum = Some(partial);
                Ok(())
            }
        }
    }

    /// Adds what a lane found to what the others found; the first error stays.
    fn join(
        &self,
        sum: &Mutex<Result<Option<Partial>, EngineError>>,
        lane: Result<Option<Partial>, EngineError>,
    ) {
        // Taken out, not held: merging is parallel, and a thread that waits inside it may run another
        // lane's end.
        let mut mine = lane;
        loop {
            let mut slot = sum.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *slot, mine) {
                (Err(_), _) => return,
                (slot, Err(error)) => {
                    *slot = Err(error);
                    return;
                }
                (_, Ok(None)) => return,
                (Ok(kept), Ok(Some(partial))) => match kept.take() {
                    None => {
                        *kept = Some(partial);
                        return;
                    }
                    Some(mut other) => {
                        drop(slot);
                        mine = self
                            .evaluator
                            .merge(&mut other, partial, self.progress)
                            .map_err(uncarried)
                            .map(|()| Some(other));
                    }
                },
            }
        }
    }
}
