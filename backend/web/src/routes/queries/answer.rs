//! `GET /v1/queries/{job}/answer`: the sealed answer, which only the buyer can open.

use actix_web::web;
use sordino_protocol::{api::JobState, ids::JobId, sealed::SealedAnswer};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::{WebError, WebResult},
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found` (also for somebody else's job), `conflict` (not released).
pub async fn answer(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    id: web::Path<JobId>,
) -> WebResult<web::Json<SealedAnswer>> {
    let job = state.storage.jobs().get(who.account, *id).await?;
    if job.state() != JobState::Released {
        return Err(WebError::Conflict { reason: "the job has no answer: look at its state" });
    }
    Ok(web::Json(state.storage.jobs().answer(who.account, job.id).await?))
}
