//! The key bundle of a profile: made once, encrypted with a passphrase, never overwritten.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use sordino_fhe::keys::KeyBundle;

use super::{Profile, PublicKeys, write_atomically};
use crate::ClientError;

impl Profile {
    /// Where the encrypted bundle is.
    pub fn key_file(&self) -> PathBuf {
        self.directory.join("keys.age")
    }

    /// Whether there is a bundle.
    pub fn has_keys(&self) -> bool {
        self.key_file().exists()
    }

    /// Makes a bundle and stores it. `work_factor` is scrypt's (log2 of its cost), by default what
    /// takes about a second; computing takes a moment, so call it off the async runtime.
    ///
    /// # Errors
    /// When there is a bundle already, or the file cannot be written.
    pub fn create_keys(
        &self,
        passphrase: &SecretString,
        work_factor: Option<u8>,
    ) -> Result<KeyBundle, ClientError> {
        if self.has_keys() {
            return Err(ClientError::KeysExist(self.key_file()));
        }
        let bundle = KeyBundle::generate(&mut rand::rng());
        self.store(&bundle.encrypt(passphrase, work_factor)?, &bundle)?;
        Ok(bundle)
    }

    /// Decrypts the bundle; the passphrase's derivation takes about a second by design.
    ///
    /// # Errors
    /// When there is no bundle, or the passphrase is wrong.
    pub fn keys(&self, passphrase: &SecretString) -> Result<KeyBundle, ClientError> {
        let path = self.key_file();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ClientError::NoKeys(self.name.clone()));
            }
            Err(source) => return Err(ClientError::File { path, source }),
        };
        Ok(KeyBundle::decrypt(&bytes, passphrase)?)
    }

    /// Copies the encrypted bundle to another place; it stays encrypted with the same passphrase.
    ///
    /// # Errors
    /// When there is no bundle, the target exists, or it cannot be written.
    pub fn back_up_keys(&self, to: &Path) -> Result<(), ClientError> {
        if !self.has_keys() {
            return Err(ClientError::NoKeys(self.name.clone()));
        }
        if to.exists() {
            return Err(ClientError::KeysExist(to.to_owned()));
        }
        let bytes = std::fs::read(self.key_file()).map_err(ClientError::file(self.key_file()))?;
        write_atomically(to, &bytes, 0o600)
    }

    /// Takes a bundle from a backup, after checking that the passphrase opens it.
    ///
    /// # Errors
    /// When there is a bundle already, the passphrase is wrong, or the file cannot be read.
    pub fn restore_keys(&self, from: &Path, passphrase: &SecretString) -> Result<KeyBundle, ClientError> {
        if self.has_keys() {
            return Err(ClientError::KeysExist(self.key_file()));
        }
        let bytes = std::fs::read(from).map_err(ClientError::file(from))?;
        let bundle = KeyBundle::decrypt(&bytes, passphrase)?;
        self.store(&bytes, &bundle)?;
        Ok(bundle)
    }

    fn store(&self, encrypted: &[u8], bundle: &KeyBundle) -> Result<(), ClientError> {
        let public = PublicKeys::of(bundle)?;
        write_atomically(&self.key_file(), encrypted, 0o600)?;
        self.update(|identity| identity.keys = Some(public)).map(drop)
    }
}

impl PublicKeys {
    /// The public halves of a bundle.
    ///
    /// # Errors
    /// When the recipient's secret is no key.
    pub fn of(bundle: &KeyBundle) -> Result<Self, ClientError> {
        Ok(Self {
            account: bundle.signing.verifying_key(),
            gate: bundle.gate.verifying_key(),
            recipient: bundle.recipient.public()?,
        })
    }
}
