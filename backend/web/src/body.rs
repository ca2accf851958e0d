//! Bodies that are bytes: whether their stated length is allowed, and reading them to the end.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header,
    web::{self, BytesMut},
};
use bytes::Bytes;
use futures::StreamExt;

use crate::problem::{WebError, WebResult, payload};

/// How long a client may take to send a body that is held in memory.
const PATIENCE: Duration = Duration::from_secs(300);

/// Refuses a body that says to be too large before it is read.
///
/// # Errors
/// `too_large`.
pub fn check_length(request: &HttpRequest, limit: u64) -> WebResult<()> {
    let stated = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match stated.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > limit => Err(WebError::TooLarge { limit }),
        _ => Ok(()),
    }
}

/// Reads a body that nobody needs: answered before it is read, the client would find its connection
/// closed.
pub async fn drain(body: &mut web::Payload, limit: u64) {
    let mut received = 0u64;
    while let Some(Ok(piece)) = body.next().await {
        received = received.saturating_add(piece.len() as u64);
        if received > limit {
            return;
        }
    }
}

/// A whole body of at most `limit` bytes.
///
/// # Errors
/// `too_large`, or `malformed` when it ends early or does not end.
pub async fn whole(body: &mut web::Payload, limit: u64) -> WebResult<Bytes> {
    let read = async {
        let mut bytes = BytesMut::new();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| payload(&error, limit))?;
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(WebError::TooLarge { limit });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    };
    let late = || WebError::malformed("the body did not arrive in time: send it again");
    tokio::time::timeout(PATIENCE, read).await.map_err(|_| late())?
}
