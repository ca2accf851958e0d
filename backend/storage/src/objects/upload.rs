//! Receiving an object: hashed while it arrives, complete or not there at all.

use std::{fmt::Display, io, path::PathBuf};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use sordino_domain::objects;
use sordino_protocol::digest::{Digest, Hasher, Purpose};

use crate::error::StorageError;

/// Bytes of one part of a large object; object stores want at least 5 MiB.
const PART: usize = 8 << 20;

/// Stores the body under `digest` and returns how many bytes it had.
///
/// An object of one part is put at once. A larger one is put in parts that the store shows to nobody before
/// all are there; they are removed when anything fails, also when this future is dropped.
pub(super) async fn receive<S, E>(
    store: &dyn ObjectStore,
    digest: Digest,
    mut body: S,
    limit: u64,
) -> Result<u64, StorageError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    let path = Path::from(objects::path(&digest));
    let mut incoming = Incoming { hasher: Hasher::new(Purpose::Object), buffer: BytesMut::new(), bytes: 0 };
    while incoming.buffer.len() < PART {
        if !incoming.take(&mut body, limit).await? {
            incoming.check(digest)?;
            store.put(&path, PutPayload::from_bytes(incoming.buffer.freeze())).await?;
            return Ok(incoming.bytes);
        }
    }
    let mut upload = store.put_multipart(&path).await?;
    let outcome = in_parts(upload.as_mut(), &mut incoming, &mut body, digest, limit).await;
    if let Err(error) = outcome {
        if let Err(leftover) = upload.abort().await {
            tracing::warn!(%digest, error = %leftover, "parts of a failed upload could not be removed");
        }
        return Err(error);
    }
    Ok(incoming.bytes)
}

async fn in_parts<S, E>(
    upload: &mut dyn MultipartUpload,
    incoming: &mut Incoming,
    body: &mut S,
    digest: Digest,
    limit: u64,
) -> Result<(), StorageError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Display,
{
    loop {
        while incoming.buffer.len() >= PART {
            let part = incoming.buffer.split_to(PART).freeze();
            upload.put_part(PutPayload::from_bytes(part)).await?;
        }
        if !incoming.take(body, limit).await? {
            break;
        }
    }
    incoming.check(digest)?;
    if !incoming.buffer.is_empty() {
        let last = incoming.buffer.split().freeze();
        upload.put_part(PutPayload::from_bytes(last)).await?;
    }
    upload.complete().await?;
    Ok(())
}

/// What has arrived.
struct Incoming {
    hasher: Hasher,
    buffer: BytesMut,
    bytes: u64,
}

impl Incoming {
    /// Takes the next piece; false at the end.
    async fn take<S, E>(&mut self, body: &mut S, limit: u64) -> Result<bool, StorageError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Display,
    {
        let Some(piece) = body.next().await else { return Ok(false) };
        let piece = piece.map_err(|error| StorageError::UploadInterrupted { reason: error.to_string() })?;
        self.bytes += piece.len() as u64;
        if self.bytes > limit {
            return Err(StorageError::TooLarge { limit });
        }
        self.hasher.update(&piece);
        self.buffer.extend_from_slice(&piece);
        Ok(true)
    }

    fn check(&self, expected: Digest) -> Result<(), StorageError> {
        let actual = self.hasher.finish();
        if actual == expected { Ok(()) } else { Err(StorageError::DigestMismatch { expected, actual }) }
    }
}

/// Makes a file and its place in the folder durable.
pub(super) async fn sync(root: &std::path::Path, path: &str) -> io::Result<()> {
    let file: PathBuf = root.join(path);
    let folders: Vec<PathBuf> = file.ancestors().skip(1).take(3).map(PathBuf::from).collect();
    tokio::fs::File::open(&file).await?.sync_all().await?;
    for folder in folders {
        tokio::fs::File::open(&folder).await?.sync_all().await?;
    }
    Ok(())
}
