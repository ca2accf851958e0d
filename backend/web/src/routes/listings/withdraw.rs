//! `POST /v1/listings/{id}/withdraw`: no new queries; repeated it stays withdrawn.

use actix_web::web;
use sordino_protocol::{api::Listing, ids::ListingId};

use crate::{
    auth::extract::{Auth, Owner},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found` (also for a stranger's listing).
pub async fn withdraw(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    id: web::Path<ListingId>,
) -> WebResult<web::Json<Listing>> {
    let listing = state.storage.listings().withdraw(who.account, *id).await?;
    Ok(web::Json((&listing).into()))
}
