//! `train`: fit a model to the rows of a listing.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, builder::PossibleValuesParser};
use serde_json::json;
use sordino_client::{
    ClientError,
    sandbox::Sandbox,
    training::{self, Event, Finished, Folder, Rehearsal, Run, RunQuote, Task},
};
use sordino_protocol::{api::Listing, ids::ListingId, predicate::Predicate};

use super::{agreement::Agreement, sandbox};
use crate::{context::Context, exit, output, progress::JobBar};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Whose rows are fitted to.
    listing: ListingId,
    /// How.
    #[arg(long, value_parser = PossibleValuesParser::new(training::METHODS))]
    method: String,
    /// The column to predict; none for k-means.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The columns it is predicted from [default: all that the method can read].
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    inputs: Option<Vec<String>>,
    /// An option of the method, named as in scikit-learn: max_depth=4; repeat it for more.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Fit to these rows only: a condition in SQL.
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    /// Rows in clear, CSV or Parquet, to rehearse the run on under the listing's cohort and noise, instead of
    /// the listing's own sandbox.
    #[arg(long, value_name = "FILE")]
    sandbox: Option<PathBuf>,
    /// The folder of the run: model, answers, receipts. Repeating a command that was cut off goes on here.
    #[arg(long, value_name = "FOLDER", default_value = "training")]
    to: PathBuf,
    /// Show what it would cost, and buy nothing.
    #[arg(long)]
    quote: bool,
    #[command(flatten)]
    agreement: Agreement,
}

impl Train {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        let listing = session.client.listing(self.listing).await?;
        let task = self.task(&listing)?;
        let rows = match &self.condition {
            Some(condition) => training::rows(&session, &listing, condition).await?,
            None => Predicate::All,
        };
        let (run, mut quote) = training::offer(&session, &listing, &task, &rows).await?;
        output::note(training::described(&run).trim_end());
        let sandbox = sandbox::of(&session.client, &listing, self.sandbox.as_deref()).await?;
        let rehearsal = rehearse(&run, sandbox).await?;
        // A quote asks for no folder; a purchase goes on where an earlier one was cut off.
        let folder = if self.quote { None } else { Some(Folder::open(&self.to, &run, session.account)?) };
        let first = folder.as_ref().map_or(Ok(0), |folder| training::rounds_done(&run, folder))?;
        if first > 0 {
            output::note(&format!("  kept      rounds that are answered and paid already: {first}"));
            quote = training::quote(&session, &run, first).await?;
        }
        output::note(training::quoted(&quote).trim_end());
        if let Some(rehearsal) = &rehearsal {
            output::note(training::rehearsed(rehearsal).trim_end());
        }
        let Some(folder) = folder else {
            if context.json() {
                output::json(&json!({ "quote": quote, "task": run.task, "rehearsal": rehearsal }))?;
            }
            return Ok(ExitCode::SUCCESS);
        };
        let keys = context.keys()?;
        if !self.agreement.agree(quote.price, quote.currency)? {
            return Ok(ExitCode::from(exit::FAILED));
        }
        let bar = JobBar::new();
        let mut watch = |event: Event<'_>| match event {
            Event::Round { round, of, queries } => {
                bar.begin(format!("round {round} of {of}, queries: {queries}"))
            }
            Event::Job(job) => bar.show(job),
        };
        let finished = training::run(&session, &keys, &run, &folder, quote.price, &mut watch).await;
        bar.finish();
        self.show(context, &quote, rehearsal.as_ref(), &finished?)?;
        Ok(ExitCode::SUCCESS)
    }

    fn task(&self, listing: &Listing) -> Result<Task> {
        let (label, inputs) = (self.label.as_deref(), self.inputs.as_deref());
        let task = training::task(&listing.schema, &self.method, &self.settings, label, inputs);
        Ok(task.map_err(ClientError::from)?)
    }

    fn show(
        &self,
        context: &Context,
        quote: &RunQuote,
        rehearsal: Option<&Rehearsal>,
        finished: &Finished,
    ) -> Result<()> {
        if context.json() {
            return output::json(&json!({
                "trained": finished.trained,
                "model": finished.model,
                "receipts": finished.receipts,
                "paid": finished.paid,
                "currency": quote.currency,
                "quote": quote,
                "rehearsal": rehearsal,
            }));
        }
        output::text(&training::fitted(finished, quote.currency))?;
        let model = finished.model.display();
        output::note(&format!(
            "The model is {model}; `sordino evaluate {} --model {model}` tries it, and in Python \
             sordino_export.load(\"{model}\") gives an estimator. {} valid receipts are beside it.",
            self.listing,
            finished.receipts.len(),
        ));
        Ok(())
    }
}

async fn rehearse(run: &Run, sandbox: Option<Sandbox>) -> Result<Option<Rehearsal>> {
    let Some(sandbox) = sandbox else { return Ok(None) };
    let run = run.clone();
    let rehearsed = tokio::task::spawn_blocking(move || training::rehearse(&run, &sandbox)).await?;
    Ok(Some(rehearsed?))
}
