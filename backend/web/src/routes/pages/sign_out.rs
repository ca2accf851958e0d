//! `POST /sign-out`: the browser forgets the session.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Deserialize;

use crate::{auth::form, problem::WebResult, state::AppState};

/// What the form sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submitted {
    form_token: String,
}

/// The handler.
///
/// # Errors
/// `forbidden` for a form that is not ours.
pub async fn submit(
    state: web::Data<AppState>,
    request: HttpRequest,
    submitted: web::Form<Submitted>,
) -> WebResult<HttpResponse> {
    form::check(&request, &state.settings, &submitted.form_token)?;
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, "/"));
    Ok(response.cookie(form::no_session(&state.settings)).finish())
}
