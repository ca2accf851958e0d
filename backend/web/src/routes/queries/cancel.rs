//! `POST /v1/queries/{job}/cancel`: the hold is void. Once evaluated it is too late.

use actix_web::web;
use sordino_protocol::{api::Job, ids::JobId};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::WebResult,
    state::AppState,
};

/// The handler. Repeated it answers with the cancelled job.
///
/// # Errors
/// `not_found`, `conflict` (evaluated already, or ended).
pub async fn cancel(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    id: web::Path<JobId>,
) -> WebResult<web::Json<Job>> {
    let job = state.storage.jobs().cancel(who.account, *id, state.now()).await?;
    Ok(web::Json((&job).into()))
}
