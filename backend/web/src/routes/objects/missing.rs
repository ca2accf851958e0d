//! `POST /v1/objects/missing`: which objects are yet to be uploaded.

use actix_web::web;
use sordino_protocol::api::ObjectsWanted;

use crate::{
    auth::extract::{Auth, Owner},
    problem::{WebError, WebResult},
    state::AppState,
};

/// The most digests asked about at once.
const MAX_DIGESTS: usize = 10_000;

/// The handler.
///
/// # Errors
/// `malformed` with too many digests.
pub async fn missing(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    body: web::Json<ObjectsWanted>,
) -> WebResult<web::Json<ObjectsWanted>> {
    if body.digests.len() > MAX_DIGESTS {
        let detail = format!("{} digests: ask about at most {MAX_DIGESTS} at once", body.digests.len());
        return Err(WebError::malformed(detail));
    }
    let digests = state.storage.objects().missing(who.account, &body.digests).await?;
    Ok(web::Json(ObjectsWanted { digests }))
}
