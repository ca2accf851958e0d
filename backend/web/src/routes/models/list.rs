//! `GET /v1/models`: models that predict.

use actix_web::web;
use sordino_protocol::api::models::ModelListings;

use crate::{problem::WebResult, state::AppState};

/// The most models of a page.
pub const MAX_MODELS: u64 = 200;

/// The handler.
///
/// # Errors
/// None of its own.
pub async fn list(state: web::Data<AppState>) -> WebResult<web::Json<ModelListings>> {
    Ok(web::Json(ModelListings { models: state.storage.models().list(MAX_MODELS).await? }))
}
