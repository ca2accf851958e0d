//! `GET /v1/ledger`: what moved on the account.

use actix_web::web;
use sordino_protocol::api::Statement;

use crate::{
    auth::extract::{Auth, SignedIn},
    problem::WebResult,
    state::AppState,
};

/// The most entries of a statement.
pub const MAX_ENTRIES: u64 = 200;

/// The handler.
///
/// # Errors
/// None of its own.
pub async fn statement(
    state: web::Data<AppState>,
    Auth(who): Auth<SignedIn>,
) -> WebResult<web::Json<Statement>> {
    let entries = state.storage.ledger().statement(who.account, MAX_ENTRIES).await?;
    Ok(web::Json(Statement { entries }))
}
