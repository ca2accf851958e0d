//! Sending one request: credentials, retries, problems, size limits.

use bytes::Bytes;
use reqwest::{Body, Method, Response, header};
use secrecy::ExposeSecret;
use serde::{Serialize, de::DeserializeOwned};
use sordino_protocol::problem::Problem;

use super::Client;
use crate::ClientError;

/// The largest JSON document that is read: manifests of large datasets list many objects.
const MAX_JSON: u64 = 256 << 20;
/// The largest problem document that is read.
const MAX_PROBLEM: u64 = 64 << 10;

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// A request that can be built again for each attempt.
pub(super) struct Call<'a> {
    method: Method,
    path: String,
    body: Option<Bytes>,
    kind: &'static str,
    idempotency_key: Option<&'a str>,
    repeatable: bool,
    range: Option<(u64, u64)>,
}

impl<'a> Call<'a> {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), true)
    }

    pub(super) fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path.into(), true)
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path.into(), true)
    }

    /// A POST that is sent once; see [`Call::repeatable`].
    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path.into(), false)
    }

    fn new(method: Method, path: String, repeatable: bool) -> Self {
        Self { method, path, body: None, kind: JSON, idempotency_key: None, repeatable, range: None }
    }

    /// A POST that has the same effect when repeated.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// The platform performs a request of one key once, so it may be repeated.
    pub(super) fn idempotent(mut self, key: &'a str) -> Self {
        self.idempotency_key = Some(key);
        self.repeatable()
    }

    /// Asks for bytes `from..to` only.
    pub(super) fn range(mut self, from: u64, to: u64) -> Self {
        self.range = Some((from, to));
        self
    }

    pub(super) fn json<T: Serialize>(mut self, body: &T) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|source| ClientError::Answer { path: self.path.clone(), source })?;
        self.body = Some(bytes.into());
        Ok(self)
    }

    /// A body that is no JSON.
    pub(super) fn bytes(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self.kind = BYTES;
        self
    }
}

impl Client {
    /// Sends and reads a JSON answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ClientError> {
        let path = call.path.clone();
        let response = self.send(&call).await?;
        let bytes = self.collect(&call, response, MAX_JSON).await?;
        serde_json::from_slice(&bytes).map_err(|source| ClientError::Answer { path, source })
    }

    /// Sends and expects no content.
    pub(super) async fn done(&self, call: Call<'_>) -> Result<(), ClientError> {
        self.send(&call).await.map(drop)
    }

    /// Sends with retries and hands over a successful response.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response, ClientError> {
        let mut attempt = 1;
        loop {
            let body = call.body.clone().map(Body::from);
            let error = match self.attempt(call, body, None).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let pause = self.retry.pause(attempt).filter(|_| call.repeatable && error.passes_soon());
            let Some(pause) = pause else { return Err(error) };
            tracing::debug!(path = call.path, attempt, "request failed, trying again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One attempt with a given body; `length` is stated for a streamed one.
    pub(super) async fn attempt(
        &self,
        call: &Call<'_>,
        body: Option<Body>,
        length: Option<u64>,
    ) -> Result<Response, ClientError> {
        let url = self
            .server
            .join(call.path.trim_start_matches('/'))
            .map_err(|_| ClientError::Address(call.path.clone()))?;
        let mut request = self.http.request(call.method.clone(), url);
        if let Some(bearer) = &self.bearer {
            request = request.bearer_auth(bearer.expose_secret());
        }
        if let Some(key) = call.idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some((from, to)) = call.range {
            request = request.header(header::RANGE, format!("bytes={from}-{}", to.saturating_sub(1)));
        }
        if let Some(body) = body {
            let kind = if length.is_some() { BYTES } else { call.kind };
            request = request.header(header::CONTENT_TYPE, kind).body(body);
        }
        if let Some(length) = length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        let response = request.send().await.map_err(|error| self.network(call, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(call, response).await)
    }

    async fn refusal(&self, call: &Call<'_>, response: Response) -> ClientError {
        let status = response.status().as_u16();
        match self.collect(call, response, MAX_PROBLEM).await.map(|b| serde_json::from_slice::<Problem>(&b)) {
            Ok(Ok(problem)) => ClientError::Problem(Box::new(problem)),
            _ => ClientError::Http { method: call.method.to_string(), path: call.path.clone(), status },
        }
    }

    /// Reads a body up to a limit.
    pub(super) async fn collect(
        &self,
        call: &Call<'_>,
        mut response: Response,
        limit: u64,
    ) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.network(call, &error))? {
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(ClientError::TooLarge { what: call.path.clone(), limit });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    pub(super) fn network(&self, call: &Call<'_>, error: &reqwest::Error) -> ClientError {
        // The innermost cause is what helps ("connection refused"); the outer ones repeat the address.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        ClientError::Network {
            method: call.method.to_string(),
            path: call.path.clone(),
            server: self.server().to_owned(),
            reason: cause.to_string(),
        }
    }
}
