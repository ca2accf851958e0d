//! Platform, accounts, sessions and API keys.

use sordino_protocol::{
    api::{Account, ApiKeys, CreateApiKey, CreatedApiKey, Login, Platform, Register, RegisterKey, Session},
    ids::ApiKeyId,
};

use super::{Client, request::Call};
use crate::ClientError;

impl Client {
    /// What the platform says of itself.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn platform(&self) -> Result<Platform, ClientError> {
        self.json(Call::get("/v1/platform")).await
    }

    /// Makes an account.
    ///
    /// # Errors
    /// `conflict` when the e-mail address is taken; those of the network and the platform.
    pub async fn register(&self, body: &Register) -> Result<Session, ClientError> {
        self.json(Call::post("/v1/accounts").json(body)?).await
    }

    /// Signs in.
    ///
    /// # Errors
    /// `unauthenticated`; those of the network and the platform.
    pub async fn login(&self, body: &Login) -> Result<Session, ClientError> {
        self.json(Call::post("/v1/sessions").json(body)?.repeatable()).await
    }

    /// The account signed in.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn account(&self) -> Result<Account, ClientError> {
        self.json(Call::get("/v1/account")).await
    }

    /// Registers the account's signing key.
    ///
    /// # Errors
    /// `conflict` when another key is registered; those of the network and the platform.
    pub async fn register_key(&self, body: &RegisterKey) -> Result<Account, ClientError> {
        self.json(Call::put("/v1/account/key").json(body)?).await
    }

    /// Makes an API key.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn create_api_key(&self, body: &CreateApiKey) -> Result<CreatedApiKey, ClientError> {
        self.json(Call::post("/v1/api-keys").json(body)?).await
    }

    /// All API keys, without their secrets.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn api_keys(&self) -> Result<ApiKeys, ClientError> {
        self.json(Call::get("/v1/api-keys")).await
    }

    /// Revokes an API key.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn delete_api_key(&self, id: ApiKeyId) -> Result<(), ClientError> {
        self.done(Call::delete(format!("/v1/api-keys/{id}"))).await
    }
}
