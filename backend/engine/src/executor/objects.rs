//! Stored objects, read from the threads of the pool.
//!
//! Whole objects are checked against their digest. Ranges of a chunk cannot be: the digest of a chunk
//! was checked when it was uploaded, what is read of it passes the trust boundary of `sdk/fhe`, and a
//! gate that evaluates again notices a different result.

use std::{future::Future, io, ops::Range, sync::Arc};

use bytes::{Buf, Bytes};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use sordino_fhe::error::SourceError;
use sordino_protocol::{
    digest::{Digest, Purpose},
    manifest::ObjectRef,
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::EngineError;

/// What is read at once where a reader does not say how much it needs: a page header fits many times.
const WINDOW: u64 = 4_096;

/// The objects of an evaluation.
#[derive(Clone)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    stop: CancellationToken,
}

impl Objects {
    pub(super) fn new(store: Arc<dyn ObjectStore>, runtime: Handle, stop: CancellationToken) -> Self {
        Self { store, runtime, stop }
    }

    /// A whole object, checked.
    pub(super) fn whole(&self, object: &ObjectRef) -> Result<Bytes, EngineError> {
        let digest = object.digest;
        let found = self.wait(digest, async {
            let found = self.store.get(&location(&digest)).await?;
            if found.meta.size != object.bytes {
                return Ok(Err(found.meta.size));
            }
            found.bytes().await.map(Ok)
        })?;
        let bytes = found.map_err(|size| wrong_size(object, size))?;
        if Digest::of(Purpose::Object, &bytes) != digest {
            let reason = "its bytes do not have its digest".to_owned();
            return Err(EngineError::Damaged { digest, reason });
        }
        Ok(bytes)
    }

    /// An object that is read in ranges.
    pub(super) fn ranges(&self, object: &ObjectRef) -> Result<Ranges, EngineError> {
        let path = location(&object.digest);
        let size = self.wait(object.digest, async { Ok(self.store.head(&path).await?.size) })?;
        if size != object.bytes {
            return Err(wrong_size(object, size));
        }
        Ok(Ranges { objects: self.clone(), digest: object.digest, path, size })
    }

    /// Waits for the store on a thread of the pool; the runtime's threads stay free.
    fn wait<T>(
        &self,
        digest: Digest,
        reading: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, EngineError> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(EngineError::Cancelled),
                read = reading => read.map_err(|error| match error {
                    object_store::Error::NotFound { .. } => EngineError::Missing(digest),
                    source => EngineError::Store { digest, source },
                }),
            }
        })
    }
}

fn location(digest: &Digest) -> Path {
    Path::from(sordino_domain::objects::path(digest))
}

fn wrong_size(object: &ObjectRef, size: u64) -> EngineError {
    let reason = format!("it has {size} bytes, its manifest says {}", object.bytes);
    EngineError::Damaged { digest: object.digest, reason }
}

/// An object as the Parquet reader sees it.
pub(super) struct Ranges {
    objects: Objects,
    digest: Digest,
    path: Path,
    size: u64,
}

impl Ranges {
    fn read(&self, range: Range<u64>) -> Result<Bytes, ParquetError> {
        let beyond = range.end > self.size || range.start > range.end;
        if beyond {
            return Err(ParquetError::EOF(format!("{range:?} of {} bytes", self.size)));
        }
        let length = range.end - range.start;
        let reading = self.objects.store.get_range(&self.path, range);
        let bytes = self
            .objects
            .wait(self.digest, reading)
            .map_err(|error| ParquetError::External(Box::new(io::Error::other(error))))?;
        if bytes.len() as u64 != length {
            return Err(ParquetError::EOF(format!("{} bytes instead of {length}", bytes.len())));
        }
        Ok(bytes)
    }
}

impl Length for Ranges {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Ranges {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let end = start.saturating_add(WINDOW).min(self.size);
        Ok(self.read(start..end)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.read(start..start.saturating_add(length as u64))
    }
}

/// An error of this module as `sdk/fhe` carries it through an evaluation.
pub(super) fn carried(error: EngineError) -> SourceError {
    match error {
        EngineError::Cancelled => SourceError::Cancelled,
        other => SourceError::Io(io::Error::other(other)),
    }
}

/// Takes an error of this module out again.
pub(super) fn uncarried(error: sordino_fhe::error::FheError) -> EngineError {
    use sordino_fhe::error::FheError;
    match error {
        FheError::Source(SourceError::Io(io)) => match io.downcast::<EngineError>() {
            Ok(own) => own,
            Err(io) => EngineError::Fhe(FheError::Source(SourceError::Io(io))),
        },
        other => EngineError::from(other),
    }
}
