//! `GET /v1/api-keys`: the account's keys without their secrets.

use actix_web::web;
use sordino_protocol::api::ApiKeys;

use crate::{
    auth::extract::{Auth, KeyHolder},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `forbidden` with an API key.
pub async fn list(
    state: web::Data<AppState>,
    Auth(KeyHolder(who)): Auth<KeyHolder>,
) -> WebResult<web::Json<ApiKeys>> {
    let keys = state.storage.api_keys().list(who.account).await?;
    Ok(web::Json(ApiKeys { keys: keys.iter().map(Into::into).collect() }))
}
