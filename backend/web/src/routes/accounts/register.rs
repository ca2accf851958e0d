//! `POST /v1/accounts`: a new account, signed in.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use sordino_domain::accounts::{Email, check_password};
use sordino_protocol::api::{Register, Role, Session};
use sordino_storage::accounts::NewAccount;

use crate::{
    problem::{WebError, WebResult},
    rate,
    state::AppState,
};

/// The handler.
///
/// # Errors
/// `malformed` (address or password), `conflict` (the address is taken), `forbidden` (registration is
/// closed), `rate_limited`.
pub async fn register(
    state: web::Data<AppState>,
    request: HttpRequest,
    body: web::Json<Register>,
) -> WebResult<HttpResponse> {
    let address = rate::address(&request, state.settings.behind_proxy);
    let session = sign_up(&state, address, body.into_inner()).await?;
    Ok(HttpResponse::Created().json(session))
}

/// Makes an account and signs it in; the portal's form does the same.
///
/// # Errors
/// As the handler.
pub async fn sign_up(state: &AppState, address: IpAddr, body: Register) -> WebResult<Session> {
    state.rates.sign_in(address, &body.email)?;
    if !state.settings.registration_open {
        return Err(WebError::Forbidden { reason: "registration is closed on this server" });
    }
    let email: Email = body.email.parse()?;
    check_password(&body.password)?;
    let password = state.passwords.hash(SecretString::from(body.password)).await?;
    let now = state.now();
    let new = NewAccount { id: state.new_id(), email, password, role: Role::Member };
    let account = state.storage.accounts().create(new, now).await?;
    let token = state.sessions.issue(account.id, now)?;
    Ok(Session { account: (&account).into(), token: token.text, expires_at: token.expires_at })
}
