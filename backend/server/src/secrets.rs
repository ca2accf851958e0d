//! The platform's own secrets: the key that signs quotes and receipts, and the key of sessions.
//! Made at the first start, kept in the data folder, readable by its owner only.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rand::{TryRngCore, rngs::OsRng};
use sordino_protocol::signature::SigningKey;
use zeroize::Zeroizing;

/// Both secrets.
pub struct Secrets {
    /// Signs quotes and receipts.
    pub platform: SigningKey,
    /// Signs session tokens.
    pub session: Zeroizing<Vec<u8>>,
}

/// Why the secrets are not available.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file cannot be read or made.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{path} does not hold a secret of 64 hexadecimal digits; restore it from a backup: with another key, receipts signed so far could not be matched to this platform"
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(#[from] rand::rand_core::OsError),
}

impl Secrets {
    /// Reads the secrets of a data folder, making them if they are not there.
    ///
    /// # Errors
    /// When a file cannot be read, made, or understood.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, SecretsError> {
        let folder = data_dir.join("secrets");
        fs::create_dir_all(&folder).map_err(|source| SecretsError::Io { path: folder.clone(), source })?;
        let platform = secret(&folder.join("platform.key"))?;
        let session = secret(&folder.join("session.key"))?;
        Ok(Self { platform: SigningKey::from_seed(&platform), session: Zeroizing::new(session.to_vec()) })
    }
}

fn secret(path: &Path) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
    let io = |source| SecretsError::Io { path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            let mut bytes = Zeroizing::new([0; 32]);
            hex::decode_to_slice(text.trim(), bytes.as_mut())
                .map_err(|_| SecretsError::Malformed { path: path.to_owned() })?;
            Ok(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = Zeroizing::new([0; 32]);
            OsRng.try_fill_bytes(bytes.as_mut())?;
            write_new(path, &Zeroizing::new(hex::encode(*bytes))).map_err(io)?;
            Ok(bytes)
        }
        Err(error) => Err(io(error)),
    }
}

/// Writes beside and renames, so that a crash leaves the whole secret or none.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_the_same_and_a_broken_one_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Secrets::load_or_create(folder.path()).expect("made");
        let second = Secrets::load_or_create(folder.path()).expect("read");
        assert_eq!(first.platform.verifying_key(), second.platform.verifying_key());
        assert_eq!(first.session, second.session);
        fs::write(folder.path().join("secrets/session.key"), "zz").expect("written");
        assert!(matches!(Secrets::load_or_create(folder.path()), Err(SecretsError::Malformed { .. })));
    }
}
