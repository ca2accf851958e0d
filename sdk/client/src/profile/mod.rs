//! What one identity keeps on disk: `profiles/<name>/` below a root folder the caller names.
//!
//! | file | what |
//! |---|---|
//! | `profile.toml` | server, account, e-mail, pinned platform key, gate, public keys |
//! | `credentials.toml` (0600) | session token and the gate's API key |
//! | `keys.age` (0600) | the key bundle, encrypted with a passphrase |
//! | `datasets/<manifest digest>/` | the gate's own copy of manifest and policy |
//! | `predict/<set>.toml` | which keys for predictions were registered; they follow from the bundle |
//! | `predict/unfinished/` | predictions that were begun and not all decrypted, to go on with |
//! | `gate.sqlite` | the gate's journal |
//! | `cache/objects/` | objects by digest |
//! | `cache/publish/` | progress of unfinished publications |
//!
//! Every file is written beside its place and moved there, so a crash leaves the old one or the new.

mod datasets;
mod files;
mod keys;
mod registered;
mod unfinished;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sordino_protocol::{
    ids::{AccountId, GateId},
    sealed::RecipientKey,
    signature::VerifyingKey,
};
use zeroize::Zeroize;

pub use datasets::Dataset;
pub(crate) use files::{make_folder, write_atomically};
pub use registered::Registered;
pub use unfinished::Unfinished;

use crate::ClientError;

/// A profile's folder.
#[derive(Debug, Clone)]
pub struct Profile {
    name: String,
    directory: PathBuf,
}

/// `profile.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Base address of the platform.
    pub server: Option<String>,
    /// The account.
    pub account: Option<AccountId>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// The platform's key, pinned at first contact.
    pub platform_key: Option<VerifyingKey>,
    /// The gate that was enrolled.
    pub gate: Option<GateId>,
    /// Public halves of the key bundle.
    pub keys: Option<PublicKeys>,
}

/// Public halves of a key bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKeys {
    /// Signs manifests and acceptances.
    pub account: VerifyingKey,
    /// Signs a gate's decisions.
    pub gate: VerifyingKey,
    /// Answers are sealed to it.
    pub recipient: RecipientKey,
}

/// `credentials.toml`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Session token or API key.
    pub token: Option<String>,
    /// When the session ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// API key of the gate.
    pub gate_secret: Option<String>,
}

impl Profile {
    /// The profile `name` below `root`; the folder is made when something is first written.
    ///
    /// # Errors
    /// When the name is not acceptable.
    pub fn new(root: &Path, name: &str) -> Result<Self, ClientError> {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
            return Err(ClientError::ProfileName(name.chars().take(80).collect()));
        }
        Ok(Self { name: name.to_owned(), directory: root.join("profiles").join(name) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The identity; empty for a new profile.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn identity(&self) -> Result<Identity, ClientError> {
        self.read("profile.toml").map(Option::unwrap_or_default)
    }

    /// Changes the identity.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn update(&self, change: impl FnOnce(&mut Identity)) -> Result<Identity, ClientError> {
        let mut identity = self.identity()?;
        change(&mut identity);
        self.write("profile.toml", &identity, 0o644)?;
        Ok(identity)
    }

    /// The credentials; empty for a new profile.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn credentials(&self) -> Result<Credentials, ClientError> {
        self.read("credentials.toml").map(Option::unwrap_or_default)
    }

    /// Changes the credentials.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn update_credentials(&self, change: impl FnOnce(&mut Credentials)) -> Result<(), ClientError> {
        let mut credentials = self.credentials()?;
        change(&mut credentials);
        self.write("credentials.toml", &credentials, 0o600)
    }

    /// Compares the platform's key with the pinned one; at first contact pins it.
    ///
    /// # Errors
    /// When the platform shows another key than before.
    pub fn pin(&self, server: &str, key: VerifyingKey) -> Result<(), ClientError> {
        match self.identity()?.platform_key {
            Some(pinned) if pinned != key => Err(ClientError::PlatformKeyChanged { pinned, actual: key }),
            Some(_) => Ok(()),
            None => {
                let server = server.to_owned();
                self.update(|identity| {
                    identity.platform_key = Some(key);
                    identity.server = Some(server);
                })
                .map(drop)
            }
        }
    }

    /// The gate's journal.
    pub fn journal(&self) -> PathBuf {
        self.directory.join("gate.sqlite")
    }

    /// Objects by digest.
    pub fn object_cache(&self) -> PathBuf {
        self.directory.join("cache").join("objects")
    }

    /// Progress of unfinished publications.
    pub fn publish_cache(&self) -> PathBuf {
        self.directory.join("cache").join("publish")
    }

    fn read<T: DeserializeOwned>(&self, file: &str) -> Result<Option<T>, ClientError> {
        let path = self.directory.join(file);
        let mut text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ClientError::File { path, source }),
        };
        let parsed = toml::from_str(&text).map_err(|error| ClientError::Damaged {
            path,
            // The message alone: the excerpt that comes with it could show a secret.
            reason: error.message().to_owned(),
        });
        text.zeroize();
        parsed.map(Some)
    }

    fn write<T: Serialize>(&self, file: &str, value: &T, mode: u32) -> Result<(), ClientError> {
        let path = self.directory.join(file);
        let mut text = toml::to_string(value)
            .map_err(|error| ClientError::Damaged { path: path.clone(), reason: error.to_string() })?;
        let written = write_atomically(&path, text.as_bytes(), mode);
        text.zeroize();
        written
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.token.zeroize();
        self.gate_secret.zeroize();
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> VerifyingKey {
        sordino_protocol::signature::SigningKey::from_seed(&[byte; 32]).verifying_key()
    }

    #[test]
    fn a_profile_keeps_what_it_is_told_and_hides_secrets() {
        let root = tempfile::tempdir().expect("a folder");
        let profile = Profile::new(root.path(), "alice").expect("a name");
        assert_eq!(profile.identity().expect("readable"), Identity::default());
        profile.update(|identity| identity.email = Some("a@example.org".to_owned())).expect("written");
        profile.update_credentials(|c| c.token = Some("secret".to_owned())).expect("written");
        assert_eq!(profile.identity().expect("readable").email.as_deref(), Some("a@example.org"));
        assert_eq!(profile.credentials().expect("readable").token.as_deref(), Some("secret"));
        assert!(!format!("{:?}", profile.credentials()).contains("secret\""));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = profile.directory().join("credentials.toml");
            let mode = std::fs::metadata(path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_changed_platform_key_is_refused() {
        let root = tempfile::tempdir().expect("a folder");
        let profile = Profile::new(root.path(), "alice").expect("a name");
        profile.pin("http://localhost", key(1)).expect("first contact");
        profile.pin("http://localhost", key(1)).expect("the same");
        assert!(matches!(
            profile.pin("http://localhost", key(2)),
            Err(ClientError::PlatformKeyChanged { .. })
        ));
    }

    #[test]
    fn names_do_not_leave_the_folder_and_damage_is_named() {
        let root = tempfile::tempdir().expect("a folder");
        for bad in ["", "..", "a/b", "a b"] {
            assert!(Profile::new(root.path(), bad).is_err(), "{bad}");
        }
        let profile = Profile::new(root.path(), "p").expect("a name");
        std::fs::create_dir_all(profile.directory()).expect("made");
        std::fs::write(profile.directory().join("credentials.toml"), "token = sord_x").expect("written");
        let error = profile.credentials().expect_err("damaged").to_string();
        assert!(error.contains("credentials.toml") && !error.contains("sord_x"), "{error}");
    }
}
