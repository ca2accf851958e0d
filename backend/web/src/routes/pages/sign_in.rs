//! `/sign-in`: the form, and what it sends.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use serde::Deserialize;
use sordino_frontend_templates::forms::{CredentialsForm, SignInPage};
use sordino_protocol::api::{Login, Session};

use super::{Visit, page};
use crate::{
    auth::{form, session::Token},
    middleware::see_other,
    problem::{WebError, WebResult},
    rate,
    routes::sessions::create::sign_in,
    state::AppState,
};

/// What the forms send.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submitted {
    /// As typed.
    pub email: String,
    /// As typed.
    pub password: String,
    /// From the page.
    pub form_token: String,
    /// Where to go afterwards.
    #[serde(default)]
    pub next: String,
}

/// The query string.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`.
///
/// # Errors
/// None of its own.
pub async fn show(
    state: web::Data<AppState>,
    visit: Visit,
    query: web::Query<Next>,
) -> WebResult<HttpResponse> {
    let form = CredentialsForm {
        form_token: visit.form.value.clone(),
        next: local(&query.next).to_owned(),
        ..CredentialsForm::default()
    };
    let registration_open = state.settings.registration_open;
    let view = SignInPage { frame: visit.frame.clone(), form, registration_open };
    page(&state, &visit, StatusCode::OK, &view)
}

/// `POST /sign-in`. Wrong credentials show the form again, with the reason.
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
    match sign_in(&state, address, Login { email: email.clone(), password }).await {
        Ok(session) => Ok(signed_in(&state, session, &next)),
        Err(error) => {
            let (status, form) = again(error, email, &next, &visit)?;
            let registration_open = state.settings.registration_open;
            let view = SignInPage { frame: visit.frame.clone(), form, registration_open };
            page(&state, &visit, status, &view)
        }
    }
}

/// Sets the session's cookie and goes on.
pub fn signed_in(state: &AppState, session: Session, next: &str) -> HttpResponse {
    let token = Token { text: session.token, expires_at: session.expires_at };
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, local(next)));
    response.cookie(form::session(&token, &state.settings)).finish()
}

/// The form again, with the reason; what is our fault stays an error.
///
/// # Errors
/// The error itself when the visitor cannot help it.
pub fn again(
    error: WebError,
    email: String,
    next: &str,
    visit: &Visit,
) -> WebResult<(StatusCode, CredentialsForm)> {
    let status = error.status();
    if status.is_server_error() {
        return Err(error);
    }
    let form = CredentialsForm {
        email,
        error: Some(error.to_string()),
        form_token: visit.form.value.clone(),
        next: local(next).to_owned(),
    };
    Ok((status, form))
}

/// A path on this site, and nothing else: a browser reads `//host` and `/\host` as another site.
fn local(next: &str) -> &str {
    let elsewhere = next.starts_with("//") || next.contains('\\') || next.chars().any(char::is_control);
    if next.starts_with('/') && !elsewhere { next } else { "/account" }
}

/// Goes to the form when nobody is signed in.
pub fn redirect(path: &'static str) -> HttpResponse {
    see_other(&format!("/sign-in?next={path}"))
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(local("/listings/lst_1?a=b"), "/listings/lst_1?a=b");
        for elsewhere in ["", "//evil.example", "/\\evil.example", "https://evil.example", "a", "/a\r\nx: y"]
        {
            assert_eq!(local(elsewhere), "/account", "{elsewhere:?}");
        }
    }
}
