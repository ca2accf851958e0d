//! Stored objects, read for an evaluation.
//!
//! Whole objects are checked against their digest. Ranges of a chunk cannot be: the digest of a chunk
//! was checked when it was uploaded, what is read of it passes the trust boundary of `sdk/fhe`, and a
//! gate that evaluates again notices a different result.

use std::{future::Future, io, ops::Range, sync::Arc};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use sordino_fhe::error::{FheError, SourceError};
use sordino_protocol::{
    digest::{Digest, Purpose},
    manifest::ObjectRef,
};
use tokio::{runtime::Handle, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::EngineError;

/// The objects of an evaluation.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    stop: CancellationToken,
}

impl Objects {
    pub(super) const fn new(store: Arc<dyn ObjectStore>, runtime: Handle, stop: CancellationToken) -> Self {
        Self { store, runtime, stop }
    }

    pub(super) const fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// A whole object, checked, for a thread of the pool to wait for.
    pub(super) fn whole(&self, object: &ObjectRef) -> Result<Bytes, EngineError> {
        self.runtime.block_on(self.fetch(object))
    }

    /// A whole object, checked.
    pub(super) async fn fetch(&self, object: &ObjectRef) -> Result<Bytes, EngineError> {
        let (store, path, stated) = (Arc::clone(&self.store), location(&object.digest), object.bytes);
        let found = self.wait(object.digest, async move {
            let found = store.get(&path).await?;
            if found.meta.size != stated {
                return Ok(Err(found.meta.size));
            }
            found.bytes().await.map(Ok)
        });
        let bytes = found.await?.map_err(|size| wrong_size(object, size))?;
        if Digest::of(Purpose::Object, &bytes) != object.digest {
            let (digest, reason) = (object.digest, "its bytes do not have its digest".to_owned());
            return Err(EngineError::Damaged { digest, reason });
        }
        Ok(bytes)
    }

    /// Makes sure that an object is stored and as long as its manifest says.
    pub(super) async fn check_size(&self, object: &ObjectRef) -> Result<(), EngineError> {
        let (store, path) = (Arc::clone(&self.store), location(&object.digest));
        let size = self.wait(object.digest, async move { Ok(store.head(&path).await?.size) }).await?;
        if size == object.bytes { Ok(()) } else { Err(wrong_size(object, size)) }
    }

    /// Parts of an object, in order, each as long as was asked.
    pub(super) async fn ranges(
        &self,
        object: &ObjectRef,
        ranges: Vec<Range<u64>>,
    ) -> Result<Vec<Bytes>, EngineError> {
        let digest = object.digest;
        let damaged = |reason| EngineError::Damaged { digest, reason };
        if let Some(range) = ranges.iter().find(|range| range.end > object.bytes || range.start > range.end) {
            return Err(damaged(format!("{range:?} of {} bytes", object.bytes)));
        }
        let (store, path, asked) = (Arc::clone(&self.store), location(&digest), ranges.clone());
        let read = self.wait(digest, async move { store.get_ranges(&path, &asked).await }).await?;
        let whole = |(range, bytes): (&Range<u64>, &Bytes)| bytes.len() as u64 == range.end - range.start;
        if read.len() != ranges.len() || !ranges.iter().zip(&read).all(whole) {
            return Err(damaged("it ends before its end".to_owned()));
        }
        Ok(read)
    }

    /// Reads on the runtime that asked for the evaluation, wherever the waiting is done: what a store
    /// keeps between requests, such as connections, belongs to that runtime, which never computes.
    async fn wait<T: Send + 'static>(
        &self,
        digest: Digest,
        reading: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<T, EngineError> {
        // Dropped with this future, it stops what it started.
        let mut task = JoinSet::new();
        task.spawn_on(reading, &self.runtime);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(EngineError::Cancelled),
            read = task.join_next() => match read {
                Some(Ok(Ok(read))) => Ok(read),
                Some(Ok(Err(object_store::Error::NotFound { .. }))) => Err(EngineError::Missing(digest)),
                Some(Ok(Err(source))) => Err(EngineError::Store { digest, source }),
                Some(Err(error)) if error.is_panic() => Err(EngineError::Panicked),
                // The runtime is shutting down.
                Some(Err(_)) | None => Err(EngineError::Cancelled),
            },
        }
    }
}

/// Where an object is in the store.
pub(super) fn location(digest: &Digest) -> Path {
    Path::from(sordino_domain::objects::path(digest))
}

fn wrong_size(object: &ObjectRef, size: u64) -> EngineError {
    let reason = format!("it has {size} bytes, its manifest says {}", object.bytes);
    EngineError::Damaged { digest: object.digest, reason }
}

/// An error of this module as `sdk/fhe` carries it through an evaluation.
pub(super) fn carried(error: EngineError) -> SourceError {
    match error {
        EngineError::Cancelled => SourceError::Cancelled,
        other => SourceError::Io(io::Error::other(other)),
    }
}

/// Takes an error of this module out again.
pub(super) fn uncarried(error: FheError) -> EngineError {
    match error {
        FheError::Source(SourceError::Io(io)) => match io.downcast::<EngineError>() {
            Ok(own) => own,
            Err(io) => EngineError::Fhe(FheError::Source(SourceError::Io(io))),
        },
        other => EngineError::from(other),
    }
}
