//! The portal's cookies: the session, and the token that shows a form came from us.
//!
//! Forms are guarded twice: the token in the form must equal the one in a cookie that other sites cannot
//! send, and a request that names another origin is refused.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    http::header,
};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{auth::session::Token, problem::WebError, settings::WebSettings};

/// Name of the session's cookie.
pub const SESSION: &str = "sordino_session";
/// Name of the form token's cookie.
pub const FORM: &str = "sordino_form";

/// The token of this browser's forms.
#[derive(Clone)]
pub struct FormToken {
    /// What the form must carry.
    pub value: String,
    /// Whether the cookie is yet to be set.
    pub fresh: bool,
}

impl FormToken {
    /// The browser's token, or a new one.
    pub fn of(request: &HttpRequest) -> Self {
        let known = request.cookie(FORM).map(|cookie| cookie.value().to_owned());
        match known.filter(|value| value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit())) {
            Some(value) => Self { value, fresh: false },
            None => Self { value: Uuid::new_v4().simple().to_string(), fresh: true },
        }
    }

    /// The cookie.
    pub fn cookie(&self, settings: &WebSettings) -> Cookie<'static> {
        Cookie::build(FORM, self.value.clone())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(settings.secure())
            .finish()
    }
}

/// Checks that a form came from one of our pages.
///
/// # Errors
/// When its token or its origin is another's.
pub fn check(request: &HttpRequest, settings: &WebSettings, submitted: &str) -> Result<(), WebError> {
    let foreign = WebError::Forbidden { reason: "this form is out of date: reload the page and try again" };
    let token = FormToken::of(request);
    let equal = bool::from(token.value.as_bytes().ct_eq(submitted.as_bytes()));
    if token.fresh || !equal || !same_origin(request, settings) {
        return Err(foreign);
    }
    Ok(())
}

fn same_origin(request: &HttpRequest, settings: &WebSettings) -> bool {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let host = text(header::HOST).unwrap_or_default();
    let of_host = origin.split_once("://").is_some_and(|(_, named)| named == host);
    of_host || origin == settings.public_url
}

/// The cookie of a new session.
pub fn session(token: &Token, settings: &WebSettings) -> Cookie<'static> {
    Cookie::build(SESSION, token.text.clone())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(settings.secure())
        .max_age(Duration::seconds(settings.session_ttl.num_seconds()))
        .finish()
}

/// The cookie that ends a session.
pub fn no_session(settings: &WebSettings) -> Cookie<'static> {
    Cookie::build(SESSION, "")
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(settings.secure())
        .max_age(Duration::ZERO)
        .finish()
}
