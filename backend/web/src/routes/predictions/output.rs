//! `GET /v1/predictions/{id}/output`: the encrypted scores, to who paid for them.

use actix_web::{HttpResponse, http::header, web};
use futures::TryStreamExt;
use sordino_protocol::ids::PredictionId;
use sordino_storage::objects::{ObjectBody, Wanted};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::{WebError, WebResult},
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `not_found` (also for predictions of somebody else).
pub async fn output(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    id: web::Path<PredictionId>,
) -> WebResult<HttpResponse> {
    let digest = state.storage.predictions().output(who.account, *id).await?;
    let body = state.storage.objects().get(who.account, digest, Wanted::All).await?;
    let ObjectBody { size, stream, .. } = body;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .no_chunking(size)
        .streaming(stream.map_err(WebError::from)))
}
