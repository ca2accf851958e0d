//! `GET /v1/listings/{id}/manifest`: the owner-signed manifest of the current version.

use actix_web::web;
use sordino_protocol::{ids::ListingId, manifest::Manifest, signature::Signed};

use crate::{problem::WebResult, state::AppState};

/// The handler.
///
/// # Errors
/// `not_found`.
pub async fn manifest(
    state: web::Data<AppState>,
    id: web::Path<ListingId>,
) -> WebResult<web::Json<Signed<Manifest>>> {
    Ok(web::Json(state.storage.listings().manifest(*id).await?))
}
