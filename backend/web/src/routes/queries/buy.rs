//! `POST /v1/queries`: accepts a quote. The price is held and the job enqueued in one transaction.

use actix_web::web;
use sordino_protocol::{
    api::{Buy, Job},
    canonical::Canonical,
    quote::Quote,
    signature::VerifyingKey,
};
use sordino_storage::jobs::Accept;

use crate::{
    auth::extract::{Auth, Buyer},
    idempotency::Idempotent,
    problem::{WebError, WebResult},
    state::AppState,
};

/// The handler. Repeated with the same key it answers with the same job.
///
/// # Errors
/// `idempotency_key_missing`, `idempotency_mismatch`, `bad_signature`, `not_found` (a quote for somebody
/// else), `quote_expired`, `quote_used`, `insufficient_balance`, `conflict` (no key registered, or the
/// listing was withdrawn).
pub async fn buy(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    Idempotent(key): Idempotent,
    body: web::Json<Buy>,
) -> WebResult<web::Json<Job>> {
    let account = state.storage.accounts().get(who.account).await?;
    let signing = account.key.ok_or(WebError::Conflict {
        reason: "register the account's signing key first: PUT /v1/account/key",
    })?;
    let quote = check(&body, &state.platform.verifying_key(), &signing)?;
    if quote.buyer != who.account {
        return Err(WebError::NotFound { what: "quote" });
    }
    let accept = Accept {
        job: state.new_id(),
        quote: quote.id,
        acceptance: body.acceptance.clone(),
        fee: state.settings.fee,
        key,
        request: body.acceptance.body.digest()?,
    };
    let job = state.storage.jobs().accept(who.account, accept, state.now()).await?;
    Ok(web::Json((&job).into()))
}

/// The quote must be ours, and the acceptance the buyer's word on this quote and this query.
fn check<'a>(body: &'a Buy, platform: &VerifyingKey, buyer: &VerifyingKey) -> WebResult<&'a Quote> {
    let quote = body.quote.verify(platform)?;
    let acceptance = body.acceptance.verify(buyer)?;
    if acceptance.quote != quote.digest()? {
        return Err(WebError::malformed("acceptance: it accepts another quote"));
    }
    if acceptance.query != quote.query {
        return Err(WebError::malformed("acceptance: it names another query than the quote"));
    }
    Ok(quote)
}
