//! `GET /v1/models/{id}`: all that clients see of one model.

use actix_web::web;
use sordino_protocol::{api::models::ModelListing, ids::ModelId};

use crate::{problem::WebResult, state::AppState};

/// The handler.
///
/// # Errors
/// `not_found`.
pub async fn show(state: web::Data<AppState>, id: web::Path<ModelId>) -> WebResult<web::Json<ModelListing>> {
    Ok(web::Json(state.storage.models().get(*id).await?.listing))
}
