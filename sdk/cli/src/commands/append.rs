//! `append`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use sordino_client::publish::{self, AppendPlan, AppendRequest};
use sordino_protocol::{ids::ListingId, policy::Noise};

use crate::{context::Context, exit, output, progress::PublishBars};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Append {
    /// The listing.
    listing: ListingId,
    /// The new rows, CSV or Parquet, with the columns of the listing. They do not leave this machine.
    file: PathBuf,
    /// Append even if this very file is part of the dataset already.
    #[arg(long)]
    again: bool,
    /// Do not ask before starting.
    #[arg(long)]
    yes: bool,
}

impl Append {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        let keys = context.keys()?;
        let request = AppendRequest { listing: self.listing, table: self.file, again: self.again };
        output::note("Reading and checking the rows ...");
        let plan = publish::plan_append(&session, &keys, &request).await?;
        output::note(&describe(&plan));
        if plan.done.is_none() && !self.yes && !output::confirm("Encrypt and append?")? {
            output::note("Nothing was appended.");
            return Ok(ExitCode::from(exit::FAILED));
        }
        let bars = Arc::new(PublishBars::default());
        let published = publish::append(&session, &keys, &request, &plan, bars.clone()).await;
        bars.finish();
        let published = published?;
        let listing = &published.listing;
        if context.json() {
            output::json(&json!({
                "listing": listing.id,
                "version": listing.version,
                "dataset": listing.dataset,
                "rows": listing.rows,
                "appended": if plan.done.is_none() { plan.rows } else { 0 },
                "bytes": published.bytes,
                "uploaded_bytes": published.uploaded_bytes,
                "encrypt_ms": published.encrypt_ms,
                "upload_ms": published.upload_ms,
            }))?;
        } else {
            output::text(&format!(
                "{} is at version {} with {} rows\n  dataset version  {}\n  uploaded         {} in {:.1} s",
                listing.id,
                listing.version,
                listing.rows,
                listing.dataset,
                output::bytes(published.uploaded_bytes),
                published.upload_ms as f64 / 1e3,
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What will happen, before it does.
fn describe(plan: &AppendPlan) -> String {
    let cohort = u64::from(plan.policy.min_cohort);
    let warning = if plan.rows < cohort && plan.policy.noise == Noise::None {
        format!(
            "\nCareful: {} rows are fewer than the smallest cohort of {cohort}, and answers are exact: who asked \
             the version before can tell by subtraction what these rows are.",
            plan.rows
        )
    } else {
        String::new()
    };
    if let Some(version) = plan.done {
        return format!(
            "These rows are part of the dataset since version {version}: nothing to do. To append them once \
             more, use --again."
        );
    }
    format!(
        "{} rows are added to the {} of \"{}\"; policy, price and gate stay.\n\
         Encrypted and sent: {} new chunks and all {} aggregates, {}; the chunks of before stay as they are.\n\
         Encryption takes about {:.0} s.{warning}",
        plan.rows,
        plan.listing.rows,
        plan.listing.title,
        plan.upload.chunks,
        plan.upload.cells,
        output::bytes(plan.upload.total_bytes()),
        plan.encrypt_seconds.max(1.0),
    )
}
