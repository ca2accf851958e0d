//! `POST /v1/top-ups`: an operator credits a buyer for money received outside.

use actix_web::web;
use sordino_protocol::{
    api::{Balance, TopUp},
    canonical,
    digest::{Digest, Purpose},
    money::Amount,
};
use sordino_storage::ledger::Credit;

use crate::{
    auth::extract::{Auth, Operator},
    idempotency::Idempotent,
    problem::{WebError, WebResult},
    state::AppState,
};

/// The most characters of a memo.
const MAX_MEMO: usize = 200;

/// The handler. Repeated with the same key it credits nothing more.
///
/// # Errors
/// `forbidden` (no operator), `idempotency_key_missing`, `idempotency_mismatch`, `malformed` (amount or
/// memo), `not_found` (the account).
pub async fn top_up(
    state: web::Data<AppState>,
    Auth(Operator(who)): Auth<Operator>,
    Idempotent(key): Idempotent,
    body: web::Json<TopUp>,
) -> WebResult<web::Json<Balance>> {
    let body = body.into_inner();
    if body.amount <= Amount::ZERO {
        return Err(WebError::malformed("amount: expected more than zero"));
    }
    if body.memo.chars().count() > MAX_MEMO {
        return Err(WebError::malformed(format!("memo: expected at most {MAX_MEMO} characters")));
    }
    let credit = Credit {
        transaction: state.new_id(),
        account: body.account,
        amount: body.amount,
        currency: state.settings.currency,
        request: Digest::of(Purpose::Request, &canonical::to_bytes(&body)?),
        memo: body.memo,
        key,
    };
    Ok(web::Json(state.storage.ledger().top_up(who.account, credit, state.now()).await?))
}
