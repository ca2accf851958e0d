//! `GET /v1/listings/{id}`: one listing.

use actix_web::web;
use sordino_protocol::{api::Listing, ids::ListingId};

use crate::{problem::WebResult, state::AppState};

/// The handler.
///
/// # Errors
/// `not_found`.
pub async fn show(state: web::Data<AppState>, id: web::Path<ListingId>) -> WebResult<web::Json<Listing>> {
    let listing = state.storage.listings().get(*id).await?;
    Ok(web::Json((&listing).into()))
}
