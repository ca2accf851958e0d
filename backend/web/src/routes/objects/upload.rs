//! `PUT /v1/objects/{digest}`: stores an object under its digest.
//!
//! The body is never held in memory: every piece is hashed and written as it arrives, and the object
//! becomes visible only when all of it has the digest it claims.

use actix_web::{HttpRequest, HttpResponse, web};
use sordino_protocol::digest::Digest;
use sordino_storage::objects::Put;

use crate::{
    auth::extract::{Auth, Owner},
    body,
    problem::WebResult,
    state::AppState,
};

/// The handler. Repeated with the same bytes it does nothing.
///
/// # Errors
/// `digest_mismatch` (other or fewer bytes than the digest says), `too_large`, `malformed` (the body ended
/// early).
pub async fn upload(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    digest: web::Path<Digest>,
    request: HttpRequest,
    mut payload: web::Payload,
) -> WebResult<HttpResponse> {
    let limit = state.settings.limits.object_bytes;
    body::check_length(&request, limit)?;
    let objects = state.storage.objects();
    if objects.put(who.account, *digest, &mut payload, limit, state.now()).await? == Put::AlreadyThere {
        body::drain(&mut payload, limit).await;
    }
    Ok(HttpResponse::NoContent().finish())
}
