//! `GET /v1/listings`: what can be queried.

use actix_web::web;
use sordino_protocol::api::Listings;

use crate::{problem::WebResult, state::AppState};

/// The most listings of a page.
pub const MAX_LISTINGS: u64 = 200;

/// The handler.
///
/// # Errors
/// None of its own.
pub async fn list(state: web::Data<AppState>) -> WebResult<web::Json<Listings>> {
    let listings = state.storage.listings().list(MAX_LISTINGS).await?;
    Ok(web::Json(Listings { listings: listings.iter().map(Into::into).collect() }))
}
