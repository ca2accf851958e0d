//! `balance` and `earnings`.

use anyhow::Result;
use clap::Args;
use serde_json::json;
use sordino_protocol::api::LedgerKind;

use crate::{context::Context, output};

/// Arguments of `balance`.
#[derive(Debug, Args)]
pub(crate) struct Balance {
    /// Also show what moved.
    #[arg(long)]
    statement: bool,
}

/// Arguments of `earnings`.
#[derive(Debug, Args)]
pub(crate) struct Earnings {}

impl Balance {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let client = context.session().await?.client;
        let balance = client.balance().await?;
        let statement = if self.statement { Some(client.ledger().await?) } else { None };
        if context.json() {
            return output::json(&json!({
                "balance": balance,
                "entries": statement.map(|statement| statement.entries),
            }));
        }
        let currency = balance.currency;
        output::text(&format!(
            "account  {}\nprepaid  {:>12} {currency}\nheld     {:>12} {currency}\nearned   {:>12} {currency}",
            balance.account,
            balance.prepaid.to_string(),
            balance.held.to_string(),
            balance.payable.to_string(),
        ))?;
        for entry in statement.iter().flat_map(|statement| &statement.entries) {
            output::text(&format!(
                "{}  {:16} {:>12} {}  {}",
                entry.at.format("%Y-%m-%d %H:%M:%S"),
                name(entry.ledger),
                entry.amount.to_string(),
                entry.currency,
                entry.memo,
            ))?;
        }
        Ok(())
    }
}

impl Earnings {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let client = context.session().await?.client;
        let balance = client.balance().await?;
        let mut entries = client.ledger().await?.entries;
        entries.retain(|entry| entry.ledger == LedgerKind::OwnerPayable);
        if context.json() {
            return output::json(&json!({
                "currency": balance.currency,
                "payable": balance.payable,
                "entries": entries,
            }));
        }
        output::text(&format!("earned, not yet paid out: {} {}", balance.payable, balance.currency))?;
        for entry in &entries {
            output::text(&format!(
                "{}  {:>12} {}  {}",
                entry.at.format("%Y-%m-%d %H:%M:%S"),
                entry.amount.to_string(),
                entry.currency,
                entry.memo,
            ))?;
        }
        Ok(())
    }
}

fn name(ledger: LedgerKind) -> &'static str {
    match ledger {
        LedgerKind::BuyerPrepaid => "prepaid",
        LedgerKind::BuyerHold => "held",
        LedgerKind::OwnerPayable => "earned",
        LedgerKind::PlatformRevenue => "platform",
        LedgerKind::ProcessorClearing => "clearing",
    }
}
