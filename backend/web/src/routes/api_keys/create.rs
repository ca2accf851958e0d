//! `POST /v1/api-keys`: a new key, shown once.

use actix_web::{HttpResponse, web};
use sordino_protocol::api::{CreateApiKey, CreatedApiKey, Scope};
use sordino_storage::api_keys::NewApiKey;

use crate::{
    auth::extract::{Auth, KeyHolder},
    problem::{WebError, WebResult},
    state::AppState,
};

/// The most characters of a name.
const MAX_NAME: usize = 100;

/// The handler.
///
/// # Errors
/// `malformed` (the name, or scope gate, which only enrolment gives); `forbidden` with an API key.
pub async fn create(
    state: web::Data<AppState>,
    Auth(KeyHolder(who)): Auth<KeyHolder>,
    body: web::Json<CreateApiKey>,
) -> WebResult<HttpResponse> {
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(WebError::malformed(format!("name: expected 1 to {MAX_NAME} characters")));
    }
    if body.scope == Scope::Gate {
        return Err(WebError::malformed("scope: a gate gets its key from POST /v1/gates; use full or buy"));
    }
    let secret = state.new_secret()?;
    let new =
        NewApiKey { id: state.new_id(), name: name.to_owned(), scope: body.scope, secret: secret.clone() };
    let key = state.storage.api_keys().create(who.account, new, state.now()).await?;
    Ok(HttpResponse::Created().json(CreatedApiKey { key: (&key).into(), secret: secret.expose().to_owned() }))
}
