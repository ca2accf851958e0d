//! API keys as credentials.

use sordino_domain::api_keys::{ApiKeySecret, Principal};

use crate::{problem::WebError, state::AppState};

/// How every API key begins.
pub const TAG: &str = "sord_";

/// Who a presented key speaks for. The checksum is looked at first, so that most false keys cost no query.
///
/// # Errors
/// When it is no key of ours, or storage fails.
pub async fn principal(state: &AppState, presented: &str) -> Result<Principal, WebError> {
    let secret: ApiKeySecret = presented.parse()?;
    state
        .storage
        .api_keys()
        .authenticate(&secret)
        .await?
        .ok_or(WebError::Unauthenticated { reason: "the API key is not known, or was deleted" })
}
