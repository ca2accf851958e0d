//! The settings of the HTTP interface; the server reads them from its configuration.

use chrono::TimeDelta;
use sordino_domain::pricing::BasisPoints;
use sordino_protocol::money::Currency;

use crate::auth::password::PasswordCost;

/// All settings.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Version of the server, as shown to clients.
    pub version: String,
    /// How others reach the server, without a trailing slash; decides whether cookies are `Secure`.
    pub public_url: String,
    /// Whether strangers may register.
    pub registration_open: bool,
    /// Whether a proxy in front reports the caller's address truthfully.
    pub behind_proxy: bool,
    /// Currency of listings and balances.
    pub currency: Currency,
    /// The platform's share of a price.
    pub fee: BasisPoints,
    /// How long a quote stands.
    pub quote_ttl: TimeDelta,
    /// How long a session lasts.
    pub session_ttl: TimeDelta,
    /// Compute units that this installation evaluates in a second, for the expected time of a quote.
    pub units_per_second: u64,
    /// What a password hash costs.
    pub password_cost: PasswordCost,
    /// What is refused as too much.
    pub limits: Limits,
}

/// What is refused as too much.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a JSON body.
    pub json_bytes: usize,
    /// Bytes of a manifest's JSON, which lists every object.
    pub manifest_bytes: usize,
    /// Bytes of an object.
    pub object_bytes: u64,
    /// Attempts to register or to sign in, per minute, by address and by name.
    pub sign_ins_per_minute: u32,
    /// Quotes per account and minute.
    pub quotes_per_minute: u32,
    /// Bytes of the JSON of a model.
    pub model_bytes: usize,
    /// Bytes of the encrypted inputs of one request for predictions.
    pub prediction_bytes: u64,
    /// Requests for predictions per account and minute.
    pub predictions_per_minute: u32,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            public_url: "http://127.0.0.1:8788".to_owned(),
            registration_open: true,
            behind_proxy: false,
            currency: Currency::EUR,
            fee: BasisPoints::default(),
            quote_ttl: TimeDelta::minutes(15),
            session_ttl: TimeDelta::hours(12),
            units_per_second: 1_000_000,
            password_cost: PasswordCost::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 1 << 20,
            manifest_bytes: 64 << 20,
            object_bytes: 1 << 30,
            sign_ins_per_minute: 30,
            quotes_per_minute: 240,
            model_bytes: 32 << 20,
            prediction_bytes: 256 << 20,
            predictions_per_minute: 240,
        }
    }
}

impl WebSettings {
    /// Whether browsers reach us over TLS.
    pub fn secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
