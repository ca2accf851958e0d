//! `POST /v1/explanations`: how a text is understood, how it would be answered and what that would cost.
//! Free: nothing is stored and no data is touched.

use actix_web::web;
use sordino_engine::explain::{Facts, explain};
use sordino_protocol::api::{AskQuote, Explanation};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::{WebError, WebResult},
    state::AppState,
};

/// The handler. It counts as a quote: it is as much work.
///
/// # Errors
/// `not_found`, `malformed`, `too_large`, `conflict` (withdrawn, or a query of another version), `sql_syntax`, `unknown_column`, `type_mismatch`,
/// `sql_unsupported`, `no_plan`, `policy_refused`, `rate_limited`.
pub async fn ask(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    body: web::Json<AskQuote>,
) -> WebResult<web::Json<Explanation>> {
    state.rates.quote(who.account)?;
    let listing = state.storage.listings().get(body.listing).await?;
    listing.check_active()?;
    let manifest = state.storage.listings().manifest(listing.id).await?.body;
    let units_per_second = state.settings.units_per_second;
    let body = body.into_inner();
    let layout = body.layout;
    let question = body.question()?;
    // Parsing and planning take milliseconds of a core: not on a thread that serves others.
    let explanation = web::block(move || {
        let (manifest, policy, price) = (&manifest, &listing.policy, &listing.price);
        explain(Facts { manifest, policy, price, units_per_second, layout }, question)
    })
    .await
    .map_err(|_| WebError::Stopping)??;
    Ok(web::Json(explanation))
}
