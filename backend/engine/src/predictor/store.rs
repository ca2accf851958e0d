//! Reading a whole object by its digest.

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use sordino_domain::objects;
use sordino_protocol::digest::{Digest, Purpose};

use crate::executor::EngineError;

/// The bytes of an object, checked.
pub(super) async fn fetch(store: &dyn ObjectStore, digest: Digest) -> Result<Bytes, EngineError> {
    let failed = |source| match source {
        object_store::Error::NotFound { .. } => EngineError::Missing(digest),
        source => EngineError::Store { digest, source },
    };
    let found = store.get(&Path::from(objects::path(&digest))).await.map_err(failed)?;
    let bytes = found.bytes().await.map_err(failed)?;
    if Digest::of(Purpose::Object, &bytes) == digest {
        return Ok(bytes);
    }
    Err(EngineError::Damaged { digest, reason: "its bytes do not have its digest".to_owned() })
}
