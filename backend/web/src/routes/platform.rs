//! `GET /v1/platform`: what the platform says of itself.

use actix_web::web;
use sordino_protocol::api::Platform;

use crate::state::AppState;

/// The handler.
pub async fn platform(state: web::Data<AppState>) -> web::Json<Platform> {
    web::Json(Platform {
        name: "sordino".to_owned(),
        version: state.settings.version.clone(),
        key: state.platform.verifying_key(),
        currency: state.settings.currency,
        max_object_bytes: state.settings.limits.object_bytes,
    })
}
