//! `POST /v1/gates`: enrols a gate, or gives an enrolled one a new secret.

use actix_web::web;
use sordino_protocol::api::{EnrolGate, EnrolledGate};
use sordino_storage::gates::NewGate;

use crate::{
    auth::extract::{Auth, Owner},
    problem::{WebError, WebResult},
    state::AppState,
};

/// The most characters of a name.
const MAX_NAME: usize = 100;

/// The handler.
///
/// # Errors
/// `bad_signature` (the key does not sign for itself), `forbidden` (an enrolment for another owner),
/// `malformed` (the name), `conflict` (the key is another owner's gate).
pub async fn enrol(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    body: web::Json<EnrolGate>,
) -> WebResult<web::Json<EnrolledGate>> {
    let enrolment = body.enrolment.verify(&body.enrolment.body.gate_key)?;
    if enrolment.owner != who.account {
        return Err(WebError::Forbidden { reason: "the enrolment names another owner" });
    }
    let name = enrolment.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(WebError::malformed(format!("name: expected 1 to {MAX_NAME} characters")));
    }
    let secret = state.new_secret()?;
    let new = NewGate {
        id: state.new_id(),
        key: enrolment.gate_key,
        name: name.to_owned(),
        api_key: state.new_id(),
        secret: secret.clone(),
    };
    let gate = state.storage.gates().enrol(who.account, new, state.now()).await?;
    Ok(web::Json(EnrolledGate { id: gate.id, secret: secret.expose().to_owned() }))
}
