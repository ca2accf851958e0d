//! `PUT /v1/objects/{digest}`: stores an object under its digest.
//!
//! The body is never held in memory: every piece is hashed and written as it arrives, and the object
//! becomes visible only when all of it has the digest it claims.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use futures::StreamExt;
use sordino_protocol::digest::Digest;
use sordino_storage::objects::Put;

use crate::{
    auth::extract::{Auth, Owner},
    problem::{WebError, WebResult},
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
    mut body: web::Payload,
) -> WebResult<HttpResponse> {
    let limit = state.settings.limits.object_bytes;
    if stated_length(&request).is_some_and(|length| length > limit) {
        return Err(WebError::TooLarge { limit });
    }
    let objects = state.storage.objects();
    if objects.put(who.account, *digest, &mut body, limit, state.now()).await? == Put::AlreadyThere {
        // Answered before the body is read, the client would find its connection closed.
        drain(&mut body, limit).await;
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn drain(body: &mut web::Payload, limit: u64) {
    let mut received = 0u64;
    while let Some(Ok(piece)) = body.next().await {
        received = received.saturating_add(piece.len() as u64);
        if received > limit {
            return;
        }
    }
}

fn stated_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
