//! `GET /v1/queries/{job}`: where a job is.

use actix_web::web;
use sordino_protocol::{api::Job, ids::JobId};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found` (also for somebody else's job).
pub async fn show(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    job: web::Path<JobId>,
) -> WebResult<web::Json<Job>> {
    let job = state.storage.jobs().get(who.account, *job).await?;
    Ok(web::Json((&job).into()))
}
