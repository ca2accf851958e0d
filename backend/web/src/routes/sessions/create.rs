//! `POST /v1/sessions`: signs in.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use sordino_domain::accounts::{Email, MAX_PASSWORD};
use sordino_protocol::api::{Login, Session};

use crate::{
    problem::{WebError, WebResult},
    rate,
    state::AppState,
};

const WRONG: WebError = WebError::Unauthenticated { reason: "the e-mail or the password is wrong" };

/// The handler.
///
/// # Errors
/// `unauthenticated`, the same for an unknown name and a wrong password; `rate_limited`.
pub async fn create(
    state: web::Data<AppState>,
    request: HttpRequest,
    body: web::Json<Login>,
) -> WebResult<HttpResponse> {
    let address = rate::address(&request, state.settings.behind_proxy);
    let session = sign_in(&state, address, body.into_inner()).await?;
    Ok(HttpResponse::Created().json(session))
}

/// Checks credentials and makes a session; the portal's form does the same. An unknown name takes as long
/// as a wrong password.
///
/// # Errors
/// As the handler.
pub async fn sign_in(state: &AppState, address: IpAddr, body: Login) -> WebResult<Session> {
    state.rates.sign_in(address, &body.email)?;
    if body.password.len() > MAX_PASSWORD {
        return Err(WRONG);
    }
    let found = match body.email.parse::<Email>() {
        Ok(email) => state.storage.accounts().find_login(&email).await?,
        Err(_) => None,
    };
    let (account, stored) = found.map(|login| (login.account, login.password)).unzip();
    let matches = state.passwords.verify(SecretString::from(body.password), stored).await?;
    let account = account.filter(|_| matches).ok_or(WRONG)?;
    let token = state.sessions.issue(account.id, state.now())?;
    Ok(Session { account: (&account).into(), token: token.text, expires_at: token.expires_at })
}
