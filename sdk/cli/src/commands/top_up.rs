//! `top-up`.

use anyhow::Result;
use clap::Args;
use sordino_client::api::idempotency_key;
use sordino_protocol::{api, ids::AccountId, money::Amount};

use crate::{context::Context, output};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct TopUp {
    /// Whom to credit.
    account: AccountId,
    /// How much was received.
    amount: Amount,
    /// Shown on the statement.
    #[arg(long, default_value = "")]
    memo: String,
    /// Credits once, however often it is repeated with the same text [default: a fresh one].
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,
}

impl TopUp {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let client = context.session().await?.client;
        let key = self.idempotency_key.unwrap_or_else(idempotency_key);
        let body = api::TopUp { account: self.account, amount: self.amount, memo: self.memo };
        let balance = client.top_up(&body, &key).await?;
        if context.json() {
            return output::json(&balance);
        }
        output::text(&format!(
            "{} now has {} {} to spend",
            balance.account, balance.prepaid, balance.currency
        ))
    }
}
