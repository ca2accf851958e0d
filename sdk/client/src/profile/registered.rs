//! Which keys for predictions a profile has registered with its platform.

use serde::{Deserialize, Serialize};
use sordino_protocol::{digest::Digest, parameters::ParameterSet};

use super::Profile;
use crate::ClientError;

/// `predict/<set>.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    /// Object digest of what was registered.
    pub keys: Digest,
    /// Fingerprint of the secret key it belongs to: keys that were restored are other keys.
    pub secret: Digest,
}

impl Profile {
    /// What was registered for a parameter set.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn registered(&self, set: ParameterSet) -> Result<Option<Registered>, ClientError> {
        self.read(&file(set))
    }

    /// Remembers what was registered for a parameter set.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_registered(&self, set: ParameterSet, registered: &Registered) -> Result<(), ClientError> {
        self.write(&file(set), registered, 0o600)
    }
}

fn file(set: ParameterSet) -> String {
    format!("predict/{set}.toml")
}
