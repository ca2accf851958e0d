//! `DELETE /v1/api-keys/{id}`: a key stops working.

use actix_web::{HttpResponse, web};
use sordino_protocol::ids::ApiKeyId;

use crate::{
    auth::extract::{Auth, KeyHolder},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found`; `forbidden` with an API key.
pub async fn delete(
    state: web::Data<AppState>,
    Auth(KeyHolder(who)): Auth<KeyHolder>,
    key: web::Path<ApiKeyId>,
) -> WebResult<HttpResponse> {
    state.storage.api_keys().revoke(who.account, *key, state.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}
