//! Extractors: a handler names in its arguments who may call it.

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use futures::future::LocalBoxFuture;
use sordino_protocol::{
    api::{Role, Scope},
    ids::{AccountId, GateId},
};

use sordino_storage::StorageError;

use crate::{auth::api_key, problem::WebError, state::AppState};

/// Anyone with an account, except a gate's key.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn {
    /// The account.
    pub account: AccountId,
    /// What it may do.
    pub role: Role,
}

/// Who may buy: a session, or a key of scope full or buy.
#[derive(Debug, Clone, Copy)]
pub struct Buyer(pub SignedIn);

/// Who may do all that the account may: a session, or a key of scope full.
#[derive(Debug, Clone, Copy)]
pub struct Owner(pub SignedIn);

/// Who may manage keys: a session only, so that a stolen key cannot make itself others.
#[derive(Debug, Clone, Copy)]
pub struct KeyHolder(pub SignedIn);

/// Who may move money from outside: an owner's credentials of an operator's account.
#[derive(Debug, Clone, Copy)]
pub struct Operator(pub SignedIn);

/// A gate.
#[derive(Debug, Clone, Copy)]
pub struct GateCaller {
    /// Which.
    pub gate: GateId,
    /// Whose.
    pub owner: AccountId,
}

/// Who may read objects.
#[derive(Debug, Clone, Copy)]
pub enum Reader {
    /// An owner: the account's own objects.
    Owner(AccountId),
    /// A gate: its owner's objects, and the outputs of its releases.
    Gate(GateCaller),
}

/// Anyone whose credentials are valid.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    who: SignedIn,
    access: Access,
}

#[derive(Debug, Clone, Copy)]
enum Access {
    Session,
    Key(Scope, Option<GateId>),
}

async fn caller(request: HttpRequest) -> Result<Caller, WebError> {
    let missing = WebError::Unauthenticated {
        reason: "send `Authorization: Bearer` with a session token or an API key",
    };
    let state = state(&request)?;
    let presented = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, credentials)| credentials.trim().to_owned())
        .ok_or(missing)?;
    if presented.starts_with(api_key::TAG) {
        let key = api_key::principal(&state, &presented).await?;
        let who = SignedIn { account: key.account, role: key.role };
        return Ok(Caller { who, access: Access::Key(key.scope, key.gate) });
    }
    let who = of_session(&state, &presented).await?;
    Ok(Caller { who, access: Access::Session })
}

/// Who a session token speaks for.
///
/// # Errors
/// When it is not valid, or the account is gone.
pub async fn of_session(state: &AppState, token: &str) -> Result<SignedIn, WebError> {
    let id = state.sessions.verify(token, state.now())?;
    let account = state.storage.accounts().get(id).await.map_err(|error| match error {
        StorageError::NotFound { .. } => {
            WebError::Unauthenticated { reason: "the account does not exist any more" }
        }
        other => other.into(),
    })?;
    Ok(SignedIn { account: account.id, role: account.role })
}

fn state(request: &HttpRequest) -> Result<web::Data<AppState>, WebError> {
    request.app_data::<web::Data<AppState>>().cloned().ok_or(WebError::Bug("the application has no state"))
}

fn forbidden<T>(reason: &'static str) -> Result<T, WebError> {
    Err(WebError::Forbidden { reason })
}

/// A caller that a handler demands.
pub trait Demand: Sized + 'static {
    /// Whether this caller will do.
    fn narrow(caller: Caller) -> Result<Self, WebError>;
}

/// The caller, checked.
#[derive(Debug, Clone, Copy)]
pub struct Auth<T>(pub T);

impl<T: Demand> FromRequest for Auth<T> {
    type Error = WebError;
    type Future = LocalBoxFuture<'static, Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { T::narrow(caller(request).await?).map(Auth) })
    }
}

impl Demand for SignedIn {
    fn narrow(caller: Caller) -> Result<Self, WebError> {
        match caller.access {
            Access::Session | Access::Key(Scope::Full | Scope::Buy, _) => Ok(caller.who),
            Access::Key(Scope::Gate, _) => forbidden("a gate's key serves releases only"),
        }
    }
}

impl Demand for Buyer {
    fn narrow(caller: Caller) -> Result<Self, WebError> {
        SignedIn::narrow(caller).map(Self)
    }
}

impl Demand for Owner {
    fn narrow(caller: Caller) -> Result<Self, WebError> {
        match caller.access {
            Access::Session | Access::Key(Scope::Full, _) => Ok(Self(caller.who)),
            Access::Key(Scope::Buy | Scope::Gate, _) => {
                forbidden("this needs a session or an API key of scope full")
            }
        }
    }
}

impl Demand for KeyHolder {
    fn narrow(caller: Caller) -> Result<Self, WebError> {
        match caller.access {
            Access::Session => Ok(Self(caller.who)),
            Access::Key(..) => forbidden("keys are managed from a session, not with a key: sign in"),
        }
    }
}

impl Demand for Operator {
    fn narrow(caller: Caller) -> Result<Self, WebError> {
        let Owner(who) = Owner::narrow(caller)?;
        match who.role {
            Role::Operator => Ok(Self(who)),
            Role::Member => forbidden("only an operator may do this"),
        }
    }
}

impl Demand for GateCaller {
    fn narrow(caller: Caller) -> Result<Self, WebError> {
        match caller.access {
            Access::Key(Scope::Gate, Some(gate)) => Ok(Self { gate, owner: caller.who.account }),
            Access::Key(..) | Access::Session => forbidden("this needs the API key of an enrolled gate"),
        }
    }
}

impl Demand for Reader {
    fn narrow(caller: Caller) -> Result<Self, WebError> {
        match caller.access {
            Access::Key(Scope::Gate, _) => GateCaller::narrow(caller).map(Self::Gate),
            Access::Key(Scope::Full | Scope::Buy, _) | Access::Session => {
                Owner::narrow(caller).map(|Owner(who)| Self::Owner(who.account))
            }
        }
    }
}
