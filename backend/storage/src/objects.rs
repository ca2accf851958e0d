//! Objects: bytes named by their digest. The bytes are in the object store; who owns them is in the database.
//! The row is written after the bytes are complete and durable, so that what has a row is there.

mod read;
mod upload;

pub use read::{ObjectBody, Wanted};

use std::{collections::HashSet, fmt::Display};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, stream};
use object_store::{ObjectStoreExt, path::Path};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::OnConflict,
};
use sordino_domain::objects::path;
use sordino_protocol::{
    digest::{Digest, Purpose},
    ids::AccountId,
};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::objects::{ActiveModel, Column, Entity},
    words::{Place, count, instant},
};

const TABLE: &str = "objects";
/// Digests asked about in one statement; databases limit the parameters.
const BATCH: usize = 500;

/// Objects and who owns them, see [`Storage::objects`].
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a>(pub(crate) &'a Storage);

/// What an upload did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object is there now.
    Stored,
    /// It was there before; the body was not read.
    AlreadyThere,
}

impl Objects<'_> {
    /// Those of `digests` that the owner has not stored, each once, in the order asked. What others have
    /// stored is not told.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn missing(self, owner: AccountId, digests: &[Digest]) -> Result<Vec<Digest>, StorageError> {
        let stored = stored(self.0.reader(), owner, digests).await?;
        let known: HashSet<Digest> = stored.into_iter().map(|(digest, _)| digest).collect();
        let mut seen = HashSet::new();
        let missing = digests.iter().filter(|digest| !known.contains(digest) && seen.insert(**digest));
        Ok(missing.copied().collect())
    }

    /// Stores an object while its bytes arrive. Nothing of it is visible before its digest was checked, and
    /// nothing is left when it fails.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] above `limit` bytes, [`StorageError::DigestMismatch`] when the bytes are
    /// not what their name says, [`StorageError::UploadInterrupted`] when the body fails,
    /// [`StorageError::StorageFull`] when there is no space.
    pub async fn put<S, E>(
        self,
        owner: AccountId,
        digest: Digest,
        body: S,
        limit: u64,
        now: DateTime<Utc>,
    ) -> Result<Put, StorageError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Display,
    {
        if self.is_whole(owner, digest).await? {
            return Ok(Put::AlreadyThere);
        }
        let bytes = upload::receive(self.0.objects.as_ref(), digest, body, limit).await?;
        if let Some(root) = &self.0.synced {
            upload::sync(root, &path(&digest)).await.map_err(StorageError::Sync)?;
        }
        self.own(owner, digest, bytes, now).await?;
        Ok(Put::Stored)
    }

    /// Stores bytes of our own making, in the name of `owner`.
    ///
    /// # Errors
    /// As [`Objects::put`].
    pub async fn put_bytes(
        self,
        owner: AccountId,
        bytes: Bytes,
        now: DateTime<Utc>,
    ) -> Result<Digest, StorageError> {
        let digest = Digest::of(Purpose::Object, &bytes);
        let limit = bytes.len() as u64;
        let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
        self.put(owner, digest, body, limit, now).await?;
        Ok(digest)
    }

    /// Whether the owner has the object and its bytes are as many as when it was stored. An object that
    /// lost its bytes, such as by a restored backup, can be uploaded again.
    async fn is_whole(self, owner: AccountId, digest: Digest) -> Result<bool, StorageError> {
        let Some(stored) = size(self.0.reader(), owner, digest).await? else { return Ok(false) };
        match self.0.objects.head(&Path::from(path(&digest))).await {
            Ok(meta) => Ok(meta.size == stored),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn own(
        self,
        owner: AccountId,
        digest: Digest,
        bytes: u64,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let bytes = count("bytes", bytes)?;
        self.0
            .write(|tx| async move {
                let row = ActiveModel {
                    owner: Set(owner.to_string()),
                    digest: Set(digest.to_string()),
                    bytes: Set(bytes),
                    created_at: Set(instant(now)),
                };
                let fresh = OnConflict::columns([Column::Owner, Column::Digest]).do_nothing().to_owned();
                Entity::insert(row).on_conflict(fresh).exec_without_returning(tx.as_ref()).await?;
                Ok(())
            })
            .await
    }
}

/// Bytes of an object of the owner.
pub(crate) async fn size<C: ConnectionTrait>(
    connection: &C,
    owner: AccountId,
    digest: Digest,
) -> Result<Option<u64>, StorageError> {
    Ok(stored(connection, owner, &[digest]).await?.first().map(|(_, bytes)| *bytes))
}

/// Those of `digests` that the owner has stored, with their bytes.
pub(crate) async fn stored<C: ConnectionTrait>(
    connection: &C,
    owner: AccountId,
    digests: &[Digest],
) -> Result<Vec<(Digest, u64)>, StorageError> {
    let mut found = Vec::with_capacity(digests.len());
    for batch in digests.chunks(BATCH) {
        let rows: Vec<(String, i64)> = Entity::find()
            .select_only()
            .columns([Column::Digest, Column::Bytes])
            .filter(Column::Owner.eq(owner.to_string()))
            .filter(Column::Digest.is_in(batch.iter().map(Digest::to_string)))
            .into_tuple()
            .all(connection)
            .await?;
        for (digest, bytes) in rows {
            let place = Place { table: TABLE, id: &digest };
            found.push((place.text("digest", &digest)?, place.count("bytes", bytes)?));
        }
    }
    Ok(found)
}
