//! Evaluation keys, kept expanded between evaluations: reading them takes longer than many queries.
//!
//! Bounded by the bytes they take expanded. An evaluator that is in use stays alive when it is no
//! longer kept, so what is beyond the bound is bounded by the evaluations in flight.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sordino_fhe::{evaluation_keys, scan::Evaluator};
use sordino_protocol::{digest::Digest, parameters::ParameterSet};
use tokio::sync::OnceCell;

use super::EngineError;

/// The most bytes of expanded keys that are kept, unless a single one has more.
const MAX_BYTES: u64 = 512 << 20;

/// How the cache of evaluation keys does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyCacheStats {
    /// Evaluations that found their keys, or waited for another that was reading them.
    pub hits: u64,
    /// Evaluations that had to read them.
    pub misses: u64,
    /// Keys given up for others.
    pub evictions: u64,
    /// Keys that are kept.
    pub kept: usize,
    /// Bytes they take, expanded.
    pub bytes: u64,
}

/// Evaluators by the digest of their key object: of scans, or of another kind `E` whose keys are as large.
#[derive(Debug)]
pub(crate) struct KeyCache<E = Evaluator> {
    limit: u64,
    inner: Mutex<Inner<E>>,
}

#[derive(Debug)]
struct Inner<E> {
    /// The latest used last.
    entries: Vec<Entry<E>>,
    stats: KeyCacheStats,
}

#[derive(Debug)]
struct Entry<E> {
    digest: Digest,
    set: ParameterSet,
    /// Empty while they are being read.
    cell: Arc<OnceCell<Arc<E>>>,
}

impl<E> Clone for Entry<E> {
    fn clone(&self) -> Self {
        Self { digest: self.digest, set: self.set, cell: Arc::clone(&self.cell) }
    }
}

impl<E> Default for KeyCache<E> {
    fn default() -> Self {
        Self::with_limit(MAX_BYTES)
    }
}

impl<E> KeyCache<E> {
    fn with_limit(limit: u64) -> Self {
        let inner = Inner { entries: Vec::new(), stats: KeyCacheStats::default() };
        Self { limit, inner: Mutex::new(inner) }
    }

    pub(crate) fn stats(&self) -> KeyCacheStats {
        self.lock().stats
    }

    /// The evaluator of a key object. Of those who ask for the same at a time, one reads and the others
    /// wait; if it fails, the next tries.
    pub(crate) async fn evaluator<F>(
        &self,
        digest: Digest,
        set: ParameterSet,
        load: impl FnOnce() -> F,
    ) -> Result<Arc<E>, EngineError>
    where
        F: Future<Output = Result<E, EngineError>>,
    {
        let entry = self.entry(digest, set);
        let mut read = false;
        let loading = entry.cell.get_or_try_init(|| {
            read = true;
            let loading = load();
            async { loading.await.map(Arc::new) }
        });
        let result = loading.await.cloned();
        self.note(&entry, read, result.is_ok());
        result
    }

    fn entry(&self, digest: Digest, set: ParameterSet) -> Entry<E> {
        let mut inner = self.lock();
        let position = inner.entries.iter().position(|e| e.digest == digest && e.set == set);
        let entry = match position {
            Some(position) => inner.entries.remove(position),
            None => Entry { digest, set, cell: Arc::default() },
        };
        inner.entries.push(entry.clone());
        entry
    }

    fn note(&self, entry: &Entry<E>, read: bool, succeeded: bool) {
        let mut inner = self.lock();
        if read {
            inner.stats.misses += 1;
        } else {
            inner.stats.hits += 1;
        }
        let same = |other: &Entry<E>| Arc::ptr_eq(&other.cell, &entry.cell);
        if !succeeded && !entry.cell.initialized() {
            // Unless another is trying: it has the same cell and puts it back.
            inner.entries.retain(|other| !same(other));
        } else if succeeded && !inner.entries.iter().any(same) {
            let (digest, set) = (entry.digest, entry.set);
            if !inner.entries.iter().any(|other| other.digest == digest && other.set == set) {
                inner.entries.push(entry.clone());
            }
        }
        inner.shrink(self.limit);
        let KeyCacheStats { hits, misses, evictions, kept, bytes } = inner.stats;
        drop(inner);
        tracing::debug!(keys = %entry.digest, read, hits, misses, evictions, kept, bytes, "evaluation keys");
    }

    /// A panic while it was held cannot leave it half changed.
    fn lock(&self) -> MutexGuard<'_, Inner<E>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Inner<E> {
    /// Gives up the longest unused keys beyond the limit, but not the last.
    fn shrink(&mut self, limit: u64) {
        while self.bytes() > limit
            && self.entries.iter().filter(|entry| entry.cell.initialized()).count() > 1
            && let Some(oldest) = self.entries.iter().position(|entry| entry.cell.initialized())
        {
            self.entries.remove(oldest);
            self.stats.evictions += 1;
        }
        self.stats.kept = self.entries.iter().filter(|entry| entry.cell.initialized()).count();
        self.stats.bytes = self.bytes();
    }

    fn bytes(&self) -> u64 {
        let kept = self.entries.iter().filter(|entry| entry.cell.initialized());
        kept.map(|entry| evaluation_keys::expanded_size(entry.set).unwrap_or(0)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use sordino_fhe::keys::SecretKeys;

    use super::*;

    const SET: ParameterSet = ParameterSet::Scan8kV1;

    fn key_object() -> Vec<u8> {
        let mut rng = ChaCha20Rng::seed_from_u64(51);
        let keys = SecretKeys::generate(&mut rng);
        evaluation_keys::generate(&keys, SET, &mut rng).expect("generated")
    }

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    struct World {
        object: Vec<u8>,
        cache: KeyCache,
        loads: AtomicUsize,
    }

    impl World {
        fn new(kept: u64) -> Self {
            let each = evaluation_keys::expanded_size(SET).expect("a scan set");
            Self {
                object: key_object(),
                cache: KeyCache::with_limit(kept * each),
                loads: AtomicUsize::new(0),
            }
        }

        async fn ask(&self, byte: u8) -> Result<Arc<Evaluator>, EngineError> {
            let load = || async {
                self.loads.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(Evaluator::new(SET, &self.object)?)
            };
            self.cache.evaluator(digest(byte), SET, load).await
        }

        async fn fail(&self, byte: u8) -> Result<Arc<Evaluator>, EngineError> {
            let load = || async {
                tokio::task::yield_now().await;
                Err(EngineError::Missing(digest(byte)))
            };
            self.cache.evaluator(digest(byte), SET, load).await
        }
    }

    #[tokio::test]
    async fn those_who_ask_at_a_time_share_one_load() {
        let world = World::new(4);
        let evaluators = join_all((0..8).map(|_| world.ask(1))).await;
        let first = evaluators[0].as_ref().expect("loaded");
        assert!(evaluators.iter().all(|other| other.as_ref().is_ok_and(|other| Arc::ptr_eq(first, other))));
        assert_eq!(world.loads.load(Ordering::SeqCst), 1);
        let stats = world.cache.stats();
        assert_eq!((stats.hits, stats.misses, stats.kept, stats.evictions), (7, 1, 1, 0));
        assert_eq!(stats.bytes, evaluation_keys::expanded_size(SET).expect("a scan set"));
    }

    #[tokio::test]
    async fn the_longest_unused_goes_when_the_bytes_are_too_many() {
        let world = World::new(2);
        for byte in [1, 2, 1, 3] {
            world.ask(byte).await.expect("loaded");
        }
        let stats = world.cache.stats();
        assert_eq!((stats.kept, stats.evictions, stats.misses), (2, 1, 3));
        world.ask(1).await.expect("kept");
        assert_eq!(world.loads.load(Ordering::SeqCst), 3, "the first was used after the second");
        world.ask(2).await.expect("loaded again");
        assert_eq!(world.loads.load(Ordering::SeqCst), 4);
        let tiny = World::new(0);
        for byte in [1, 1, 2, 2] {
            tiny.ask(byte).await.expect("loaded");
        }
        assert_eq!(tiny.loads.load(Ordering::SeqCst), 2, "the last is kept, whatever its size");
        assert_eq!(tiny.cache.stats().kept, 1);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_and_the_next_tries() {
        let world = World::new(4);
        assert!(world.fail(1).await.is_err());
        let (failed, loaded) = tokio::join!(world.fail(1), world.ask(1));
        assert!(matches!(failed, Err(EngineError::Missing(_))), "{failed:?}");
        loaded.expect("tried itself");
        world.ask(1).await.expect("kept");
        assert_eq!(world.loads.load(Ordering::SeqCst), 1);
        assert_eq!(world.cache.stats().kept, 1);
    }
}
