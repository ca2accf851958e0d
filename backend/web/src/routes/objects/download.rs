//! `GET /v1/objects/{digest}`: the bytes of an object, to its owner and the owner's gates.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use futures::TryStreamExt;
use sordino_protocol::digest::Digest;
use sordino_storage::objects::{ObjectBody, Wanted};

use super::range;
use crate::{
    auth::extract::{Auth, Reader},
    problem::{WebError, WebResult},
    state::AppState,
};

/// Objects never change.
const FOR_EVER: &str = "private, max-age=31536000, immutable";

/// The handler.
///
/// # Errors
/// `not_found` (also for an object of somebody else), `malformed` with status 416 for a range outside it.
pub async fn download(
    state: web::Data<AppState>,
    Auth(reader): Auth<Reader>,
    digest: web::Path<Digest>,
    request: HttpRequest,
) -> WebResult<HttpResponse> {
    let owner = match reader {
        Reader::Owner(account) => account,
        Reader::Gate(caller) => caller.owner,
    };
    let wanted = range::wanted(request.headers().get(header::RANGE));
    let ObjectBody { size, range, stream } = state.storage.objects().get(owner, *digest, wanted).await?;
    let mut response = match wanted {
        Wanted::All => HttpResponse::Ok(),
        Wanted::Range { .. } | Wanted::Last(_) => {
            let mut response = HttpResponse::PartialContent();
            let shown = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
            response.insert_header((header::CONTENT_RANGE, shown));
            response
        }
    };
    Ok(response
        .content_type("application/octet-stream")
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, FOR_EVER))
        .insert_header((header::ETAG, format!("\"{digest}\"")))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .no_chunking(range.end - range.start)
        .streaming(stream.map_err(WebError::from)))
}
