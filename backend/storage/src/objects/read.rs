//! Reading an object, or a part of it.

use std::ops::Range;

use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};
use object_store::{GetOptions, GetRange, ObjectStore, path::Path};
use sordino_domain::objects::path;
use sordino_protocol::{digest::Digest, ids::AccountId};

use super::{Objects, size};
use crate::error::StorageError;

/// Which bytes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// From `start` up to `end`, exclusive, or to the last.
    Range {
        /// The first.
        start: u64,
        /// Behind the last; what lies behind the object's end is left out.
        end: Option<u64>,
    },
    /// So many at the end.
    Last(u64),
}

/// Bytes of an object on their way.
pub struct ObjectBody {
    /// Bytes of the whole object.
    pub size: u64,
    /// Which of them are in the stream.
    pub range: Range<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, Result<Bytes, StorageError>>,
}

impl Objects<'_> {
    /// Bytes of an object of the owner.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], or [`StorageError::RangeNotSatisfiable`] when none of the bytes wanted
    /// are in the object.
    pub async fn get(
        self,
        owner: AccountId,
        digest: Digest,
        wanted: Wanted,
    ) -> Result<ObjectBody, StorageError> {
        let size = size(self.0.reader(), owner, digest).await?;
        let size = size.ok_or_else(|| StorageError::not_found("object", digest))?;
        let range = wanted.within(size)?;
        if range.is_empty() {
            return Ok(ObjectBody { size, range, stream: stream::empty().boxed() });
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        let found = self.0.objects.get_opts(&Path::from(path(&digest)), options).await?;
        let stream = found.into_stream().map(|piece| piece.map_err(StorageError::from)).boxed();
        Ok(ObjectBody { size, range, stream })
    }
}

impl Wanted {
    fn within(self, size: u64) -> Result<Range<u64>, StorageError> {
        let range = match self {
            Self::All => return Ok(0..size),
            Self::Range { start, end } => start..end.unwrap_or(size).min(size),
            Self::Last(bytes) => size.saturating_sub(bytes)..size,
        };
        if range.is_empty() { Err(StorageError::RangeNotSatisfiable { size }) } else { Ok(range) }
    }
}

impl std::fmt::Debug for ObjectBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectBody")
            .field("size", &self.size)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}
