//! The portal's pages, written by the server and readable without scripts.

pub mod account;
pub mod assets;
pub mod catalogue;
pub mod listing;
pub mod model;
pub mod models;
pub mod recipes;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod visit;
pub mod words;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use sordino_frontend_templates::{Template, message::MessagePage, render};

use crate::{
    problem::{self, WebError, WebResult},
    state::AppState,
};
pub use visit::Visit;

/// A page as a response; sets the form's cookie when the browser has none.
///
/// # Errors
/// When the page cannot be written.
pub fn page<T: Template>(
    state: &AppState,
    visit: &Visit,
    status: StatusCode,
    page: &T,
) -> WebResult<HttpResponse> {
    let mut response = HttpResponse::build(status);
    if visit.form.fresh {
        response.cookie(visit.form.cookie(&state.settings));
    }
    Ok(response.content_type("text/html; charset=utf-8").body(render(page)?))
}

/// Whether a person waits for this response: not a route for programs, and a browser asks.
pub fn wanted(request: &HttpRequest) -> bool {
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    !request.path().starts_with("/v1/") && accepts.is_some_and(|accept| accept.contains("text/html"))
}

/// An error as a page.
pub fn error(request: &HttpRequest, error: &WebError, request_id: &str) -> HttpResponse {
    let problem = error.problem(Some(request_id.to_owned()));
    let frame =
        request.app_data::<web::Data<AppState>>().map(|state| visit::stranger(state)).unwrap_or_default();
    let page = MessagePage {
        frame,
        title: problem::title(problem.code).to_owned(),
        detail: problem.detail,
        request_id: problem.request_id,
    };
    match render(&page) {
        Ok(html) => HttpResponse::build(error.status()).content_type("text/html; charset=utf-8").body(html),
        Err(_) => error.response(Some(request_id.to_owned())),
    }
}
