//! `/healthz` (the process answers) and `/readyz` (it reaches its storage).

use actix_web::{HttpResponse, web};

use crate::{problem::WebResult, state::AppState};

/// `GET /healthz`.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`.
///
/// # Errors
/// `unavailable` when storage does not answer.
pub async fn ready(state: web::Data<AppState>) -> WebResult<HttpResponse> {
    state.storage.ping().await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"))
}
