//! Objects that the gate needs to evaluate again: from the profile's cache, or fetched by digest.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use sordino_fhe::{error::SourceError, rollup::SegmentSource};
use sordino_protocol::{
    digest::{Digest, Purpose},
    layout::RollupLayout,
    manifest::Manifest,
};

use super::Gate;
use crate::{
    ClientError,
    api::Client,
    profile::{Profile, make_folder},
};

impl Gate {
    /// The bytes of an object, if the cache has it whole and sound.
    pub(super) async fn cached(&self, digest: &Digest) -> Option<Bytes> {
        cached(&self.profile, digest).await
    }

    /// Makes sure that an object of the manifest is in the cache, sound, and says where.
    pub(super) async fn fetch(&self, manifest: &Manifest, digest: &Digest) -> Result<PathBuf, ClientError> {
        fetch(&self.client, &self.profile, manifest, digest).await
    }
}

async fn cached(profile: &Profile, digest: &Digest) -> Option<Bytes> {
    let (path, digest) = (profile.object_cache().join(digest.to_string()), *digest);
    let read = move || {
        let bytes = fs::read(path).ok()?;
        (Digest::of(Purpose::Object, &bytes) == digest).then(|| bytes.into())
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// Makes sure that an object of the manifest is in the profile's cache, sound, and says where.
pub(crate) async fn fetch(
    client: &Client,
    profile: &Profile,
    manifest: &Manifest,
    digest: &Digest,
) -> Result<PathBuf, ClientError> {
    let folder = profile.object_cache();
    let path = folder.join(digest.to_string());
    if cached(profile, digest).await.is_none() {
        make_folder(&folder)?;
        let stated = manifest.objects.iter().find(|object| object.digest == *digest);
        let limit = stated.map_or(0, |object| object.bytes);
        client.object_to_file(digest, &path, limit).await?;
    }
    Ok(path)
}

/// Segments read from the cache, after those needed were fetched.
pub(crate) struct CachedSegments {
    pub(crate) folder: PathBuf,
    pub(crate) layout: RollupLayout,
}

impl SegmentSource for CachedSegments {
    fn segment(&self, index: u64) -> Result<Bytes, SourceError> {
        let missing = || SourceError::Missing { what: format!("segment {index}") };
        let position = usize::try_from(index).map_err(|_| missing())?;
        let digest = self.layout.segments.get(position).ok_or_else(missing)?;
        Ok(fs::read(self.folder.join(digest.to_string()))?.into())
    }
}
