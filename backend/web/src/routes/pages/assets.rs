//! `GET /static/{file}`: the style sheet and the icon, which browsers keep for ever.

use actix_web::{HttpResponse, http::header, web};
use sordino_frontend_templates::assets;

use crate::problem::{WebError, WebResult};

/// The handler.
///
/// # Errors
/// `not_found`.
pub async fn asset(file: web::Path<String>) -> WebResult<HttpResponse> {
    let asset = assets::find(&file).ok_or(WebError::NotFound { what: "file" })?;
    Ok(HttpResponse::Ok()
        .content_type(asset.content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.bytes))
}
