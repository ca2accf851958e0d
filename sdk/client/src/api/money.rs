//! Balance, statement and top-ups.

use sordino_protocol::api::{Balance, Statement, TopUp};

use super::{Client, request::Call};
use crate::ClientError;

impl Client {
    /// What the account has on the platform.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn balance(&self) -> Result<Balance, ClientError> {
        self.json(Call::get("/v1/balance")).await
    }

    /// The account's ledger entries.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn ledger(&self) -> Result<Statement, ClientError> {
        self.json(Call::get("/v1/ledger")).await
    }

    /// Credits a buyer; operators only. One key credits once.
    ///
    /// # Errors
    /// `forbidden`; those of the network and the platform.
    pub async fn top_up(&self, body: &TopUp, idempotency_key: &str) -> Result<Balance, ClientError> {
        self.json(Call::post("/v1/top-ups").json(body)?.idempotent(idempotency_key)).await
    }
}
