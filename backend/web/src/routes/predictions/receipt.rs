//! `GET /v1/predictions/{id}/receipt`: what the platform signed for.

use actix_web::web;
use sordino_protocol::{api::models::Prediction, ids::PredictionId};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found` (also for predictions that the caller neither bought nor sold).
pub async fn receipt(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    id: web::Path<PredictionId>,
) -> WebResult<web::Json<Prediction>> {
    Ok(web::Json(state.storage.predictions().get(who.account, *id).await?))
}
