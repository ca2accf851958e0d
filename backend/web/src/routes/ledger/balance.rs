//! `GET /v1/balance`: what the account has.

use actix_web::web;
use sordino_protocol::api::Balance;

use crate::{
    auth::extract::{Auth, SignedIn},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// None of its own.
pub async fn balance(state: web::Data<AppState>, Auth(who): Auth<SignedIn>) -> WebResult<web::Json<Balance>> {
    Ok(web::Json(state.storage.ledger().balance(who.account, state.settings.currency).await?))
}
