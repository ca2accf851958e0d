//! What somebody agrees to pay, shared by everything that is bought.

use anyhow::Result;
use clap::Args;
use sordino_client::ClientError;
use sordino_protocol::money::{Amount, Currency};

use crate::output;

/// Options of a purchase.
#[derive(Debug, Args)]
pub(crate) struct Agreement {
    /// Do not pay more than this.
    #[arg(long, value_name = "AMOUNT")]
    max_price: Option<Amount>,
    /// Do not ask before paying.
    #[arg(long)]
    yes: bool,
}

impl Agreement {
    /// Whether this price is paid: by the limit where one is set, else by asking. Says so when not.
    pub(crate) fn agree(&self, price: Amount, currency: Currency) -> Result<bool> {
        if let Some(limit) = self.max_price {
            if price > limit {
                let (price, limit) = (price.to_string(), limit.to_string());
                return Err(ClientError::Price { price, limit }.into());
            }
            return Ok(true);
        }
        if self.yes || output::confirm(&format!("Pay {price} {currency}?"))? {
            return Ok(true);
        }
        output::note("Nothing was bought.");
        Ok(false)
    }
}
