//! `POST /v1/listings/{id}/versions`: rows are appended; the listing serves the new version from then on.

use actix_web::web;
use sordino_protocol::{
    api::{Append, Listing},
    ids::ListingId,
};

use super::publish::{check_manifest, signing_key};
use crate::{
    auth::extract::{Auth, Owner},
    problem::WebResult,
    state::AppState,
};

/// The handler. Repeated with the same manifest it answers with the same listing. Quotes of the version
/// before stay good, and what was paid for is answered over that version.
///
/// # Errors
/// `bad_signature` (not signed by the account's key), `bad_manifest`, `missing_objects`, `not_found` (also
/// for a stranger's listing), `conflict` (withdrawn, not the next version, or more than rows changed).
pub async fn append(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    id: web::Path<ListingId>,
    body: web::Json<Append>,
) -> WebResult<web::Json<Listing>> {
    let key = signing_key(&state, who.account).await?;
    let manifest = check_manifest(body.into_inner().manifest, key).await?;
    let listing = state.storage.listings().append(who.account, *id, manifest, state.now()).await?;
    Ok(web::Json((&listing).into()))
}
