//! `query`: ask, pay, wait, open.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use sordino_client::buyer;
use sordino_protocol::{
    api::{Job, JobState},
    ids::ListingId,
};

use super::{
    agreement::Agreement,
    answer::Form,
    quote::{Layout, SQL_HELP, describe},
};
use crate::{
    context::Context,
    exit, output,
    progress::{JobBar, state},
};

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
    /// Write the receipt to this file.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    #[command(flatten)]
    agreement: Agreement,
    #[command(flatten)]
    form: Form,
}

impl Query {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        let keys = context.keys()?;
        let offer = buyer::quote(&session, self.listing, &self.sql, self.layout.map(Into::into)).await?;
        let quote = &offer.offer.quote.body;
        output::note(&describe(&offer));
        if !self.agreement.agree(quote.price, quote.currency)? {
            return Ok(ExitCode::from(exit::FAILED));
        }
        let job = buyer::buy(&session, &keys, &offer).await?;
        output::note(&format!("Paid; {} is under way.", job.id));
        let bar = JobBar::new();
        let job = buyer::wait(&session, job.id, |job| bar.show(job)).await;
        bar.finish();
        let job = job?;
        if job.state != JobState::Released {
            return unreleased(context, &job);
        }
        let opened = buyer::open(&session, &keys, &job, Some(&offer)).await?;
        if let Some(path) = &self.receipt {
            let text = serde_json::to_string_pretty(&opened.receipt)?;
            std::fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        self.form.show(context, &job, &opened)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Says why there is no answer, and chooses the exit code.
pub(crate) fn unreleased(context: &Context, job: &Job) -> Result<ExitCode> {
    let detail = job.problem.as_ref().map(|problem| problem.detail.as_str()).unwrap_or_default();
    if context.json() {
        output::json(job)?;
    }
    output::note(&format!("{} was {}: {detail}\nThe price was not charged.", job.id, state(job.state)));
    Ok(ExitCode::from(match job.state {
        JobState::Refused => exit::REFUSED,
        JobState::Expired => exit::UNAVAILABLE,
        _ => exit::FAILED,
    }))
}
