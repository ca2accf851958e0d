//! `POST /v1/listings`: a dataset version becomes a listing, or the next version of one.

use actix_web::web;
use sordino_protocol::{
    api::{Listing, Publish},
    ids::AccountId,
    manifest::Manifest,
    money::Price,
    signature::{Signed, VerifyingKey},
};
use sordino_storage::listings::NewListing;

use crate::{
    auth::extract::{Auth, Owner},
    problem::{WebError, WebResult},
    settings::WebSettings,
    state::AppState,
};

/// The handler. Repeated with the same manifest it answers with the same listing.
///
/// # Errors
/// `bad_signature` (not signed by the account's key), `bad_manifest`, `malformed` (title, policy, price),
/// `missing_objects`, `not_found` (the gate), `conflict` (no key registered, or not the next version).
pub async fn publish(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    body: web::Json<Publish>,
) -> WebResult<web::Json<Listing>> {
    let body = body.into_inner();
    let key = signing_key(&state, who.account).await?;
    body.policy.validate()?;
    check_price(&body.price, &state.settings)?;
    let manifest = check_manifest(body.manifest, key).await?;
    let new = NewListing {
        id: state.new_id(),
        title: body.title,
        description: body.description,
        manifest,
        policy: body.policy,
        price: body.price,
        gate: body.gate,
    };
    let listing = state.storage.listings().publish(who.account, new, state.now()).await?;
    Ok(web::Json((&listing).into()))
}

/// The key that signs the account's manifests.
pub(super) async fn signing_key(state: &AppState, account: AccountId) -> WebResult<VerifyingKey> {
    let account = state.storage.accounts().get(account).await?;
    account
        .key
        .ok_or(WebError::Conflict { reason: "register the account's signing key first: PUT /v1/account/key" })
}

/// Checks the signature and the inner consistency of a manifest. Lists of a million objects take a
/// moment: not on a thread that serves others.
pub(super) async fn check_manifest(
    manifest: Signed<Manifest>,
    key: VerifyingKey,
) -> WebResult<Signed<Manifest>> {
    web::block(move || {
        manifest.verify(&key)?;
        manifest.body.validate()?;
        Ok(manifest)
    })
    .await
    .map_err(|_| WebError::Stopping)?
}

fn check_price(price: &Price, settings: &WebSettings) -> WebResult<()> {
    if price.currency != settings.currency {
        let detail = format!("price: this server trades in {}, not in {}", settings.currency, price.currency);
        return Err(WebError::malformed(detail));
    }
    if [price.per_query, price.per_value, price.per_million_units].iter().any(|part| part.is_negative()) {
        return Err(WebError::malformed("price: no part may be below zero"));
    }
    Ok(())
}
