//! Passwords: argon2id, hashed on a blocking thread, a few at a time so that sign-ins cannot use up the
//! memory. A name that does not exist costs as much time as one that does.

use std::sync::Arc;

use actix_web::web;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash as Phc},
};
use secrecy::{ExposeSecret, SecretString};
use sordino_domain::accounts::PasswordHash;
use tokio::sync::Semaphore;

/// The most hashes computed at the same time.
const CONCURRENT: usize = 4;

/// What one hash costs. The default is what OWASP recommends at least for argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Kibibytes of memory.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

/// Why a password could not be hashed or checked. None of these depends on the password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The cost is outside argon2's limits.
    #[error("the cost of passwords is not possible: {0}")]
    Cost(argon2::Error),
    /// Hashing failed.
    #[error("a password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// What is stored is no hash.
    #[error("a stored password hash cannot be read")]
    Stored,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    /// The hash of nothing anybody knows, checked when there is no account.
    nobody: PasswordHash,
}

impl Passwords {
    /// With this cost.
    ///
    /// # Errors
    /// When the cost is outside argon2's limits, or there is no randomness.
    pub fn new(cost: PasswordCost) -> Result<Self, PasswordError> {
        let params =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(PasswordError::Cost)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, &rand::random::<[u8; 32]>())?;
        Ok(Self { argon2, permits: Arc::new(Semaphore::new(CONCURRENT)), nobody })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn hash(&self, password: SecretString) -> Result<PasswordHash, PasswordError> {
        let argon2 = self.argon2.clone();
        self.block(move || hash(&argon2, password.expose_secret().as_bytes())).await
    }

    /// Whether a password belongs to a stored hash; without a hash it takes as long, and does not.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<PasswordHash>,
    ) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        self.block(move || {
            let stored = Phc::new(stored.as_str()).map_err(|_| PasswordError::Stored)?;
            let matches = argon2.verify_password(password.expose_secret().as_bytes(), &stored).is_ok();
            Ok(matches && exists)
        })
        .await
    }

    async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| PasswordError::Stopping)?;
        let result = web::block(work).await.map_err(|_| PasswordError::Stopping)?;
        drop(permit);
        result
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<PasswordHash, PasswordError> {
    let hash = argon2.hash_password(password).map_err(PasswordError::Hash)?;
    Ok(PasswordHash::new(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn only_the_right_password_matches_and_nobody_has_none() {
        let cost = PasswordCost { memory_kib: 64, passes: 1, lanes: 1 };
        let passwords = Passwords::new(cost).expect("possible");
        let stored = passwords.hash("correct horse".into()).await.expect("hashed");
        assert!(stored.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let check = |password: &str, stored| passwords.verify(password.into(), stored);
        assert!(check("correct horse", Some(stored.clone())).await.expect("checked"));
        assert!(!check("correct cow", Some(stored)).await.expect("checked"));
        assert!(!check("correct horse", None).await.expect("checked"));
        let broken = PasswordHash::new("plain".to_owned());
        assert!(matches!(check("x", Some(broken)).await, Err(PasswordError::Stored)));
    }
}
