//! Who looks at a page: the session's cookie, if there is a valid one, and the token of the forms.

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use futures::future::LocalBoxFuture;
use sordino_domain::accounts::Account;
use sordino_frontend_templates::frame::{Frame, Visitor};
use sordino_storage::StorageError;

use crate::{
    auth::form::{self, FormToken},
    problem::WebError,
    state::AppState,
};

/// Who looks.
pub struct Visit {
    /// The account, when signed in.
    pub account: Option<Account>,
    /// The token of the forms.
    pub form: FormToken,
    /// What surrounds the page.
    pub frame: Frame,
}

impl FromRequest for Visit {
    type Error = WebError;
    type Future = LocalBoxFuture<'static, Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let form = FormToken::of(request);
        let token = request.cookie(form::SESSION).map(|cookie| cookie.value().to_owned());
        let state = request.app_data::<web::Data<AppState>>().cloned();
        Box::pin(async move {
            let state = state.ok_or(WebError::Bug("the application has no state"))?;
            // A session that ended is no error here: the visitor is a stranger again.
            let id = token.and_then(|token| state.sessions.verify(&token, state.now()).ok());
            let account = match id {
                Some(id) => match state.storage.accounts().get(id).await {
                    Ok(account) => Some(account),
                    Err(StorageError::NotFound { .. }) => None,
                    Err(error) => return Err(error.into()),
                },
                None => None,
            };
            let visitor = account.as_ref().map(|account| Visitor {
                email: account.email.as_str().to_owned(),
                form_token: form.value.clone(),
            });
            let frame = Frame { visitor, ..stranger(&state) };
            Ok(Self { account, form, frame })
        })
    }
}

/// The frame for somebody who is not signed in.
pub fn stranger(state: &AppState) -> Frame {
    Frame {
        visitor: None,
        version: state.settings.version.clone(),
        fingerprint: state.platform.verifying_key().fingerprint(),
    }
}
