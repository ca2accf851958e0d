//! The header `Idempotency-Key`, which every POST that moves money must carry: the same key with the same
//! request has the effect of one.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use sordino_storage::idempotency::IdempotencyKey;

use crate::problem::WebError;

/// The header's name.
pub const HEADER: &str = "idempotency-key";

/// The key a request came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotent(pub IdempotencyKey);

impl FromRequest for Idempotent {
    type Error = WebError;
    type Future = Ready<Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).map(Self))
    }
}

fn read(request: &HttpRequest) -> Result<IdempotencyKey, WebError> {
    let header = request.headers().get(HEADER).ok_or(WebError::IdempotencyKeyMissing)?;
    match header.to_str().map(str::trim) {
        Ok("") => Err(WebError::IdempotencyKeyMissing),
        Ok(key) => key.parse().map_err(|error| WebError::malformed(format!("Idempotency-Key: {error}"))),
        Err(_) => Err(WebError::malformed("Idempotency-Key: expected visible ASCII characters")),
    }
}
