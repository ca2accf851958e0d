//! `POST /v1/releases/{id}`: a gate's decision. The hold is captured or void in the same transaction.

use actix_web::{HttpResponse, web};
use sordino_domain::releases::DecisionError;
use sordino_protocol::{ids::ReleaseId, release::ReleaseDecision};

use crate::{
    auth::extract::{Auth, GateCaller},
    problem::WebResult,
    state::AppState,
};

/// The handler. Repeated with the same decision it does nothing.
///
/// # Errors
/// `bad_signature` (not by the gate's key), `not_found` (another gate's release), `malformed` (about another
/// receipt, query or recipient), `conflict` (decided otherwise, or expired).
pub async fn decide(
    state: web::Data<AppState>,
    Auth(caller): Auth<GateCaller>,
    release: web::Path<ReleaseId>,
    body: web::Json<ReleaseDecision>,
) -> WebResult<HttpResponse> {
    if body.decision.body.release != *release {
        return Err(DecisionError::Mismatch { release: *release, what: "release" }.into());
    }
    let key = state.storage.releases().gate_key(caller.gate, *release).await?;
    body.decision.verify(&key)?;
    state.storage.releases().decide(caller.gate, &body, state.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}
