//! The gate's own copy of what it guards: the signed manifest and the policy, by manifest digest.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use sordino_protocol::{
    canonical::Canonical, digest::Digest, manifest::Manifest, policy::Policy, signature::Signed,
};

use super::{Profile, write_atomically};
use crate::ClientError;

/// One dataset version that this profile published.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Digest of the manifest.
    pub digest: Digest,
    /// The manifest, as signed when it was published.
    pub manifest: Signed<Manifest>,
    /// The policy. Its file may be edited by the owner; the gate enforces what it says.
    pub policy: Policy,
}

impl Profile {
    /// Keeps a copy of a dataset version and its policy.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn save_dataset(&self, manifest: &Signed<Manifest>, policy: &Policy) -> Result<(), ClientError> {
        let folder = self.dataset_folder(&manifest.body.digest()?);
        let path = folder.join("policy.toml");
        let text = toml::to_string(policy)
            .map_err(|error| ClientError::Damaged { path: path.clone(), reason: error.to_string() })?;
        write_atomically(&path, text.as_bytes(), 0o600)?;
        let path = folder.join("manifest.json");
        let bytes = serde_json::to_vec(manifest)
            .map_err(|error| ClientError::Damaged { path: path.clone(), reason: error.to_string() })?;
        write_atomically(&path, &bytes, 0o600)
    }

    /// The copy of a dataset version; `None` if this profile did not publish it.
    ///
    /// # Errors
    /// When a file is damaged or does not have its digest.
    pub fn dataset(&self, digest: &Digest) -> Result<Option<Dataset>, ClientError> {
        let folder = self.dataset_folder(digest);
        let path = folder.join("manifest.json");
        if !path.exists() {
            return Ok(None);
        }
        let manifest: Signed<Manifest> =
            parse(&path, |text| serde_json::from_str(text).map_err(|e| e.to_string()))?;
        if manifest.body.digest()? != *digest {
            let reason = "the manifest does not have the digest of its folder".to_owned();
            return Err(ClientError::Damaged { path, reason });
        }
        let path = folder.join("policy.toml");
        let policy: Policy = parse(&path, |text| toml::from_str(text).map_err(|e| e.to_string()))?;
        policy.validate()?;
        Ok(Some(Dataset { digest: *digest, manifest, policy }))
    }

    /// Remembers from which table a dataset version was made, to notice when it comes again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn save_source(&self, dataset: &Digest, source: &Digest) -> Result<(), ClientError> {
        let path = self.dataset_folder(dataset).join("source");
        write_atomically(&path, source.to_string().as_bytes(), 0o600)
    }

    /// The table a dataset version was made from, if this profile made it.
    pub(crate) fn source(&self, dataset: &Digest) -> Option<Digest> {
        std::fs::read_to_string(self.dataset_folder(dataset).join("source")).ok()?.trim().parse().ok()
    }

    fn dataset_folder(&self, digest: &Digest) -> PathBuf {
        self.directory.join("datasets").join(digest.to_string())
    }
}

fn parse<T: DeserializeOwned>(
    path: &PathBuf,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, ClientError> {
    let text = std::fs::read_to_string(path).map_err(ClientError::file(path))?;
    read(&text).map_err(|reason| ClientError::Damaged { path: path.clone(), reason })
}
