//! `GET /v1/queries/{job}/receipt`: the platform's word and, once decided, the gate's.

use actix_web::web;
use sordino_protocol::{ids::JobId, receipt::FullReceipt};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found` (also for a job that is neither bought nor answered by the caller, and before evaluation).
pub async fn receipt(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    id: web::Path<JobId>,
) -> WebResult<web::Json<FullReceipt>> {
    Ok(web::Json(state.storage.jobs().receipt(who.account, *id).await?))
}
