//! Around every request: an id, one log line, security headers, panics as errors, and every error in its
//! form: a problem for programs, a page for people.

use std::{panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use futures::FutureExt;
use uuid::Uuid;

use crate::{problem::WebError, routes::pages};

/// The header that carries the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request; random, and so safe to show.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Nothing is loaded from elsewhere, nothing runs, and nobody frames us.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The middleware.
///
/// # Errors
/// When a handler panicked: by then the request is lost, and the error stands for the response.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = Uuid::new_v4().simple().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().to_string();
    let started = Instant::now();
    let result = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let response = match result {
        Ok(Ok(response)) => response.map_into_boxed_body(),
        Ok(Err(error)) => return Err(error),
        Err(_) => {
            tracing::error!(request = %id, method, elapsed_ms, "a handler panicked");
            let mut response = WebError::Panicked.response(Some(id.clone()));
            secure(response.headers_mut(), &id);
            return Err(actix_web::error::InternalError::from_response(WebError::Panicked, response).into());
        }
    };
    // The pattern, not the path: a path may hold what a client mistyped.
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let status = response.status().as_u16();
    tracing::info!(request = %id, method, route, status, elapsed_ms, "request");
    let mut response = dress(response, &id);
    secure(response.headers_mut(), &id);
    Ok(response)
}

/// Gives an error its form.
fn dress(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let fallback;
    let error = match response.response().error() {
        Some(error) => match error.as_error::<WebError>() {
            Some(known) => known,
            None => {
                fallback = by_status(status, response.request());
                &fallback
            }
        },
        None if matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
            && bare(&response) =>
        {
            fallback = by_status(status, response.request());
            &fallback
        }
        None => return response,
    };
    if error.status().is_server_error() {
        tracing::error!(request = %id, error = %Causes(error), "the request failed on our side");
    }
    let dressed = if pages::wanted(response.request()) {
        pages::error(response.request(), error, id)
    } else {
        error.response(Some(id.to_owned()))
    };
    response.into_response(dressed)
}

/// Whether a response is one that actix made without a body.
fn bare(response: &ServiceResponse<BoxBody>) -> bool {
    !response.headers().contains_key(header::CONTENT_TYPE)
}

fn by_status(status: StatusCode, request: &HttpRequest) -> WebError {
    match status {
        StatusCode::NOT_FOUND => WebError::NotFound { what: "page or route" },
        StatusCode::METHOD_NOT_ALLOWED => WebError::Method { method: request.method().to_string() },
        status if status.is_client_error() => WebError::malformed("the request cannot be read"),
        _ => WebError::Bug("an error without a form"),
    }
}

fn secure(headers: &mut HeaderMap, id: &str) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// An error with its causes, for the log.
struct Causes<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The id of a request, for a body.
pub fn request_id(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(|id| id.0.clone())
}

/// A redirect after a form.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}
