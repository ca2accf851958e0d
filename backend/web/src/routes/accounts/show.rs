//! `GET /v1/account`: who the caller is.

use actix_web::web;
use sordino_protocol::api::Account;

use crate::{
    auth::extract::{Auth, SignedIn},
    problem::WebResult,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// None of its own.
pub async fn show(state: web::Data<AppState>, Auth(who): Auth<SignedIn>) -> WebResult<web::Json<Account>> {
    let account = state.storage.accounts().get(who.account).await?;
    Ok(web::Json((&account).into()))
}
