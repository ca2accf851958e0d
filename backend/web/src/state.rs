//! What every handler can reach.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rand::{TryRngCore, rngs::OsRng};
use sordino_domain::api_keys::{ApiKeySecret, RANDOM_BYTES};
use sordino_engine::predictor::Predictor;
use sordino_protocol::{ids::Id, signature::SigningKey};
use sordino_storage::Storage;
use uuid::{ContextV7, Timestamp, Uuid};
use zeroize::Zeroizing;

use crate::{
    auth::{
        password::{PasswordError, Passwords},
        session::Sessions,
    },
    clock::Clock,
    problem::WebError,
    rate::RateLimits,
    settings::WebSettings,
};

/// What every handler can reach; one for all threads.
pub struct AppState {
    /// Everything that lasts.
    pub storage: Storage,
    /// Evaluates models for sale.
    pub predictor: Predictor,
    /// Signs quotes and receipts of predictions.
    pub platform: SigningKey,
    /// Session tokens.
    pub sessions: Sessions,
    /// Password hashes.
    pub passwords: Passwords,
    /// What callers did lately.
    pub rates: RateLimits,
    /// The settings.
    pub settings: WebSettings,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The parts of an [`AppState`] that only the server can make.
pub struct Parts {
    /// Everything that lasts.
    pub storage: Storage,
    /// Evaluates models for sale.
    pub predictor: Predictor,
    /// Signs quotes and receipts of predictions.
    pub platform: SigningKey,
    /// Signs session tokens.
    pub session_secret: Zeroizing<Vec<u8>>,
    /// The settings.
    pub settings: WebSettings,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl AppState {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the cost of passwords is not possible.
    pub fn new(parts: Parts) -> Result<Self, PasswordError> {
        let Parts { storage, predictor, platform, session_secret, settings, clock } = parts;
        Ok(Self {
            storage,
            predictor,
            platform,
            sessions: Sessions::new(&session_secret, settings.session_ttl),
            passwords: Passwords::new(settings.password_cost)?,
            rates: RateLimits::new(&settings.limits),
            settings,
            clock,
        })
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new identifier, ordered by time.
    pub fn new_id<K>(&self) -> Id<K> {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let time = Timestamp::from_unix(ContextV7::new(), seconds, now.timestamp_subsec_nanos());
        Id::new(Uuid::new_v7(time))
    }

    /// A new API key.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new_secret(&self) -> Result<ApiKeySecret, WebError> {
        let mut random = Zeroizing::new([0; RANDOM_BYTES]);
        OsRng
            .try_fill_bytes(&mut *random)
            .map_err(|_| WebError::Bug("the operating system gives no randomness"))?;
        Ok(ApiKeySecret::generate(&random))
    }
}
