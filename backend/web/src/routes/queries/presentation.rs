//! `GET /v1/queries/{job}/presentation`: how the answer is shown, as the SQL of its quote asked.

use actix_web::web;
use sordino_protocol::{ids::JobId, presentation::Presentation};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found` (also for somebody else's job).
pub async fn presentation(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    id: web::Path<JobId>,
) -> WebResult<web::Json<Presentation>> {
    let job = state.storage.jobs().get(who.account, *id).await?;
    let quote = state.storage.quotes().get(who.account, job.quote).await?;
    Ok(web::Json(quote.shown()))
}
