//! Evaluation keys, kept expanded between evaluations: reading them takes longer than many queries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sordino_fhe::scan::Evaluator;
use sordino_protocol::{digest::Digest, manifest::ObjectRef, parameters::ParameterSet};

use super::{EngineError, objects::Objects};

/// The most key objects that are kept.
const MAX_KEPT: usize = 4;
/// The most stored bytes of kept key objects together; expanded they take about twice as much.
const MAX_BYTES: u64 = 256 << 20;

/// Evaluators by the digest of their key object, the latest used last.
#[derive(Debug, Default)]
pub(super) struct KeyCache {
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    digest: Digest,
    set: ParameterSet,
    bytes: u64,
    evaluator: Arc<Evaluator>,
}

impl KeyCache {
    /// The evaluator of a key object, read if it is not kept.
    pub(super) fn evaluator(
        &self,
        objects: &Objects,
        object: &ObjectRef,
        set: ParameterSet,
    ) -> Result<Arc<Evaluator>, EngineError> {
        if let Some(evaluator) = self.find(object.digest, set) {
            return Ok(evaluator);
        }
        // Read without the lock: two evaluations that start together may both read, and one is kept.
        let bytes = objects.whole(object)?;
        let evaluator = Arc::new(Evaluator::new(set, &bytes)?);
        self.keep(Kept {
            digest: object.digest,
            set,
            bytes: object.bytes,
            evaluator: Arc::clone(&evaluator),
        });
        Ok(evaluator)
    }

    fn find(&self, digest: Digest, set: ParameterSet) -> Option<Arc<Evaluator>> {
        let mut kept = self.lock();
        let position = kept.iter().position(|k| k.digest == digest && k.set == set)?;
        let found = kept.remove(position);
        let evaluator = Arc::clone(&found.evaluator);
        kept.push(found);
        Some(evaluator)
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.lock();
        kept.retain(|k| k.digest != new.digest || k.set != new.set);
        kept.push(new);
        while kept.len() > 1
            && (kept.len() > MAX_KEPT || kept.iter().map(|k| k.bytes).sum::<u64>() > MAX_BYTES)
        {
            kept.remove(0);
        }
    }

    /// A panic while it was held cannot leave the list half changed.
    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
