//! Artefacts of models, kept parsed between requests; bounded by the bytes they are stored in.

use std::sync::{Arc, Mutex, PoisonError};

use sordino_protocol::digest::Digest;

use super::Artefact;

/// The most stored bytes of the artefacts that are kept, unless a single one has more.
const MAX_BYTES: usize = 128 << 20;

/// The latest used last.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    digest: Digest,
    bytes: usize,
    artefact: Arc<Artefact>,
}

impl Memory {
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<Artefact>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|kept| kept.digest == *digest)?;
        let found = kept.remove(position);
        let artefact = Arc::clone(&found.artefact);
        kept.push(found);
        Some(artefact)
    }

    pub(super) fn put(&self, digest: Digest, bytes: usize, artefact: &Arc<Artefact>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.digest != digest);
        kept.push(Kept { digest, bytes, artefact: Arc::clone(artefact) });
        while kept.len() > 1 && kept.iter().map(|kept| kept.bytes).sum::<usize>() > MAX_BYTES {
            kept.remove(0);
        }
    }
}
