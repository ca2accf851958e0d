//! `POST /v1/models/{id}/withdraw`: predicts no more; repeated it stays withdrawn.

use actix_web::web;
use sordino_protocol::{api::models::ModelListing, ids::ModelId};

use crate::{
    auth::extract::{Auth, Owner},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found` (also for a stranger's model).
pub async fn withdraw(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    id: web::Path<ModelId>,
) -> WebResult<web::Json<ModelListing>> {
    Ok(web::Json(state.storage.models().withdraw(who.account, *id).await?))
}
