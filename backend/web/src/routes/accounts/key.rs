//! `PUT /v1/account/key`: registers the account's signing key, once.

use actix_web::web;
use sordino_protocol::api::{Account, RegisterKey};

use crate::{
    auth::extract::{Auth, Owner},
    problem::{WebError, WebResult},
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `bad_signature` (the key does not sign for itself), `forbidden` (a proof for another account),
/// `conflict` (the account has another key, or the key belongs to another account).
pub async fn register_key(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    body: web::Json<RegisterKey>,
) -> WebResult<web::Json<Account>> {
    let proof = body.proof.verify(&body.proof.body.key)?;
    if proof.account != who.account {
        return Err(WebError::Forbidden { reason: "the proof names another account" });
    }
    let account = state.storage.accounts().register_key(who.account, proof.key).await?;
    Ok(web::Json((&account).into()))
}
