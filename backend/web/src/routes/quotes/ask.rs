//! `POST /v1/quotes`: what a question would cost, exactly, before anybody pays.

use actix_web::web;
use sordino_domain::listings::Listing;
use sordino_engine::{
    ask,
    planner::{self, Plan},
    policy,
    sql::Bound,
};
use sordino_protocol::{
    api::{AskQuote, Offer},
    canonical::Canonical,
    ids::{AccountId, QuoteId},
    query::Query,
    quote::Quote,
};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::{WebError, WebResult},
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found`, `malformed`, `too_large`, `conflict` (withdrawn, or a query of another version), `sql_syntax`, `unknown_column`, `type_mismatch`,
/// `sql_unsupported`, `no_plan`, `policy_refused`, `rate_limited`.
pub async fn ask(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    body: web::Json<AskQuote>,
) -> WebResult<web::Json<Offer>> {
    state.rates.quote(who.account)?;
    let listing = state.storage.listings().get(body.listing).await?;
    listing.check_active()?;
    let manifest = state.storage.listings().manifest(listing.id).await?.body;
    let body = body.into_inner();
    let (layout, hidden) = (body.layout, body.hidden);
    let question = body.question()?;
    let for_planning = listing.clone();
    // Parsing and planning take milliseconds of a core: not on a thread that serves others.
    let (Bound { query, presentation }, plan) = web::block(move || {
        let listing = for_planning;
        let bound = ask::understand(listing.dataset, &listing.schema, question)?;
        policy::check(&listing.policy, &listing.schema, &bound.query)?;
        if hidden {
            policy::check_hidden(&listing.policy, &bound.query)?;
        }
        let plan = planner::plan(&manifest, &bound.query, layout)?;
        Ok::<_, WebError>((bound, plan))
    })
    .await
    .map_err(|_| WebError::Stopping)??;
    let quote = state.platform.sign(quote(&state, who.account, &listing, &query, &plan, hidden)?)?;
    state.storage.quotes().save(&quote, &query, &presentation, state.now()).await?;
    Ok(web::Json(Offer { quote, query, presentation, considered: plan.considered }))
}

fn quote(
    state: &AppState,
    buyer: AccountId,
    listing: &Listing,
    query: &Query,
    plan: &Plan,
    hidden: bool,
) -> WebResult<Quote> {
    let released_values = policy::released_values(&listing.schema, query);
    let now = state.now();
    let id: QuoteId = state.new_id();
    Ok(Quote {
        id,
        buyer,
        listing: listing.id,
        dataset: listing.dataset,
        query: query.digest()?,
        program: plan.program.digest()?,
        layout: plan.program.layout(),
        parameter_set: plan.program.parameter_set(),
        operations: plan.counts,
        units: plan.units,
        released_values,
        price: listing.price.of(released_values, plan.units.get())?,
        currency: listing.price.currency,
        expected_ms: expected_ms(plan.units.get(), state.settings.units_per_second),
        noise_millis: policy::noise_millis(&listing.policy, &listing.schema, query),
        epsilon: listing.policy.epsilon_per_query(),
        hidden,
        policy: listing.policy.digest()?,
        expires_at: now + state.settings.quote_ttl,
    })
}

fn expected_ms(units: u64, units_per_second: u64) -> u64 {
    units.saturating_mul(1_000).div_ceil(units_per_second.max(1)).max(1)
}
