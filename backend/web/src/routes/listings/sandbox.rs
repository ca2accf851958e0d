//! `GET /v1/listings/{id}/sandbox`: the synthetic rows of the current version, for anyone.

use actix_web::{HttpResponse, web};
use futures::TryStreamExt;
use sordino_protocol::ids::ListingId;
use sordino_storage::objects::Wanted;

use crate::{
    problem::{WebError, WebResult},
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found`, also when the listing has no sandbox.
pub async fn sandbox(state: web::Data<AppState>, id: web::Path<ListingId>) -> WebResult<HttpResponse> {
    let listing = state.storage.listings().get(*id).await?;
    let manifest = state.storage.listings().manifest(*id).await?.body;
    let digest = manifest.sandbox.ok_or(WebError::NotFound { what: "sandbox" })?;
    let rows = state.storage.objects().get(listing.owner, digest, Wanted::All).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .no_chunking(rows.size)
        .streaming(rows.stream.map_err(WebError::from)))
}
