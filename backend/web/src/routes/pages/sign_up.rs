//! `/sign-up`: the form, and what it sends.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use sordino_frontend_templates::forms::{CredentialsForm, SignUpPage};
use sordino_protocol::api::Register;

use super::{
    Visit, page,
    sign_in::{Submitted, again, signed_in},
};
use crate::{
    auth::form,
    problem::{WebError, WebResult},
    rate,
    routes::accounts::register::sign_up,
    state::AppState,
};

/// `GET /sign-up`.
///
/// # Errors
/// `not_found` when registration is closed.
pub async fn show(state: web::Data<AppState>, visit: Visit) -> WebResult<HttpResponse> {
    if !state.settings.registration_open {
        return Err(WebError::NotFound { what: "page" });
    }
    let form = CredentialsForm { form_token: visit.form.value.clone(), ..CredentialsForm::default() };
    page(&state, &visit, StatusCode::OK, &SignUpPage { frame: visit.frame.clone(), form })
}

/// `POST /sign-up`. What is wrong with the input shows the form again, with the reason.
///
/// # Errors
/// `forbidden` for a form that is not ours.
pub async fn submit(
    state: web::Data<AppState>,
    visit: Visit,
    request: HttpRequest,
    submitted: web::Form<Submitted>,
) -> WebResult<HttpResponse> {
    form::check(&request, &state.settings, &submitted.form_token)?;
    let Submitted { email, password, next, .. } = submitted.into_inner();
    let address = rate::address(&request, state.settings.behind_proxy);
    match sign_up(&state, address, Register { email: email.clone(), password }).await {
        Ok(session) => Ok(signed_in(&state, session, &next)),
        Err(error) => {
            let (status, form) = again(error, email, &next, &visit)?;
            page(&state, &visit, status, &SignUpPage { frame: visit.frame.clone(), form })
        }
    }
}
