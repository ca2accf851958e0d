//! `job show`, `job cancel`, `job open`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use sordino_client::buyer;
use sordino_protocol::{
    api::{self, JobState},
    ids::JobId,
};

use super::{answer::Form, purchase::unreleased};
use crate::{
    context::Context,
    output,
    progress::{JobBar, state},
};

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Show where a query is.
    Show {
        /// Which.
        job: JobId,
    },
    /// Cancel a query; the price is not charged.
    Cancel {
        /// Which.
        job: JobId,
    },
    /// Wait for a query and open its answer, for instance after an interruption.
    Open {
        /// Which.
        job: JobId,
        #[command(flatten)]
        form: Form,
    },
}

impl Job {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        match self {
            Self::Show { job } => describe(context, &session.client.job(job).await?)?,
            Self::Cancel { job } => describe(context, &session.client.cancel(job).await?)?,
            Self::Open { job, form } => {
                let keys = context.keys()?;
                let bar = JobBar::new();
                let job = buyer::wait(&session, job, |job| bar.show(job)).await;
                bar.finish();
                let job = job?;
                if job.state != JobState::Released {
                    return unreleased(context, &job);
                }
                let opened = buyer::open(&session, &keys, &job, None).await?;
                form.show(context, &job, &opened)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(context: &Context, job: &api::Job) -> Result<()> {
    if context.json() {
        return output::json(job);
    }
    let mut text = format!(
        "{}  {}\n  listing   {}\n  progress  {} of {} operations\n  price     {} {}",
        job.id,
        state(job.state),
        job.listing,
        job.done,
        job.total,
        job.price,
        job.currency,
    );
    if let Some(problem) = &job.problem {
        text.push_str(&format!("\n  problem   {}", problem.detail));
    }
    output::text(&text)
}
