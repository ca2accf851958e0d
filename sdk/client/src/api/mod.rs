//! A typed client of `/v1`: one method a route of the table in `sordino_protocol::api`.

mod accounts;
mod gates;
mod listings;
mod models;
mod money;
mod objects;
mod queries;
mod request;
mod retry;
pub mod sse;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Once},
    time::Duration,
};

use secrecy::SecretString;
use url::Url;

pub use retry::Retry;

use crate::ClientError;

/// A client of one platform; cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
    bearer: Option<Arc<SecretString>>,
    retry: Retry,
}

impl Client {
    /// A client without credentials; nothing is sent yet.
    ///
    /// # Errors
    /// When `server` is no http(s) address.
    pub fn new(server: &str) -> Result<Self, ClientError> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // An error means that the process chose a provider already, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let address = || ClientError::Address(server.to_owned());
        let mut url = Url::parse(server).map_err(|_| address())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(address());
        }
        url.set_query(None);
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(120))
            // A redirect would carry the credentials somewhere else.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sordino/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| address())?;
        Ok(Self { http, server: url, bearer: None, retry: Retry::default() })
    }

    /// The same client with a session token or an API key.
    pub fn with_bearer(&self, secret: SecretString) -> Self {
        Self { bearer: Some(Arc::new(secret)), ..self.clone() }
    }

    /// The same client with other retries.
    pub fn with_retry(&self, retry: Retry) -> Self {
        Self { retry, ..self.clone() }
    }

    /// The base address, without a slash at the end.
    pub fn server(&self) -> &str {
        self.server.as_str().trim_end_matches('/')
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let credentials = if self.bearer.is_some() { "credentials" } else { "no credentials" };
        write!(f, "Client({}, {credentials})", self.server())
    }
}

/// A fresh `Idempotency-Key`, to be kept for as long as the same request may be repeated.
pub fn idempotency_key() -> String {
    uuid::Uuid::now_v7().to_string()
}
