//! `PUT /v1/client-keys/{digest}`: the public part of a client's keys, named by their object digest.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use sordino_engine::predictor::key_bytes;
use sordino_protocol::{api::models::ClientKeys, digest::Digest, parameters::ParameterSet};
use sordino_storage::objects::Put;

use crate::{
    auth::extract::{Auth, Buyer},
    body,
    problem::{WebError, WebResult},
    state::AppState,
};

/// The query string.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    set: ParameterSet,
}

/// The handler. Repeated with the same bytes it does nothing.
///
/// # Errors
/// `digest_mismatch`, `too_large` (they have one size only), `bad_ciphertext` (no keys of that set),
/// `malformed` (the set has none), `rate_limited`.
pub async fn register(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    digest: web::Path<Digest>,
    query: web::Query<Query>,
    request: HttpRequest,
    mut payload: web::Payload,
) -> WebResult<web::Json<ClientKeys>> {
    state.rates.prediction(who.account)?;
    let set = query.set;
    let limit = key_bytes(set)
        .ok_or_else(|| WebError::malformed(format!("{set} has no keys that clients register")))?;
    body::check_length(&request, limit)?;
    let stored = state.storage.objects().put(who.account, *digest, &mut payload, limit, state.now()).await?;
    if stored == Put::AlreadyThere {
        body::drain(&mut payload, limit).await;
    }
    state.predictor.check_keys(*digest, set).await?;
    Ok(web::Json(state.storage.client_keys().register(who.account, *digest, set, state.now()).await?))
}
