//! Predictions that were begun and not all decrypted.

use serde::{Deserialize, Serialize};
use sordino_protocol::digest::Digest;

use super::Profile;
use crate::ClientError;

/// `predict/unfinished/<what is predicted>.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unfinished {
    /// Random; ciphertexts and idempotency keys follow from it, so that what is sent again is the same.
    pub nonce: Digest,
}

impl Profile {
    /// What is known of a run that has not ended.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn unfinished(&self, what: Digest) -> Result<Option<Unfinished>, ClientError> {
        self.read(&file(what))
    }

    /// Remembers a run that begins.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_unfinished(&self, what: Digest, run: &Unfinished) -> Result<(), ClientError> {
        self.write(&file(what), run, 0o600)
    }

    /// Forgets a run that has ended.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget_unfinished(&self, what: Digest) -> Result<(), ClientError> {
        let path = self.directory.join(file(what));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ClientError::File { path, source: error })
            }
            _ => Ok(()),
        }
    }
}

fn file(what: Digest) -> String {
    format!("predict/unfinished/{what}.toml")
}
