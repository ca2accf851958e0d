//! Signing in and signing up.

use askama::Template;

use crate::frame::Frame;

/// The page `/sign-in`.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// What surrounds it.
    pub frame: Frame,
    /// What was typed.
    pub form: CredentialsForm,
    /// Whether accounts can be made here.
    pub registration_open: bool,
}

/// The page `/sign-up`.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_up.html")]
pub struct SignUpPage {
    /// What surrounds it.
    pub frame: Frame,
    /// What was typed.
    pub form: CredentialsForm,
}

/// The state of a form with a name and a password. It never carries the password back.
#[derive(Debug, Clone, Default)]
pub struct CredentialsForm {
    /// The name as typed.
    pub email: String,
    /// Why it was not accepted.
    pub error: Option<String>,
    /// Proves that the form came from us.
    pub form_token: String,
    /// Where to go afterwards; a path on this site.
    pub next: String,
}
