//! `query`: ask, pay, wait, open.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use sordino_client::buyer;
use sordino_protocol::ids::ListingId;

use super::{
    answer::Form,
    purchase::{Bought, Purchase},
    quote::{Layout, SQL_HELP},
};
use crate::context::Context;

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// What to ask of.
    listing: ListingId,
    #[arg(help = SQL_HELP)]
    sql: String,
    /// Use this layout instead of the planner's choice.
    #[arg(long, value_enum)]
    layout: Option<Layout>,
    #[command(flatten)]
    purchase: Purchase,
    #[command(flatten)]
    form: Form,
}

impl Query {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        let keys = context.keys()?;
        let offer = buyer::quote(&session, self.listing, &self.sql, self.layout.map(Into::into)).await?;
        match self.purchase.carry_out(context, &session, &keys, &offer).await? {
            Bought::Nothing(code) => Ok(code),
            Bought::Answer(bought) => {
                self.form.show(context, &bought.0, &bought.1)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
