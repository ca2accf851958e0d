//! `evaluate`: how well a model predicts the rows of a listing.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use sordino_client::{
    ClientError,
    auditions::{self, AuditionError, Prepared, Request},
};
use sordino_protocol::{
    api::{AskQuote, Question},
    ids::ListingId,
};

use super::{
    explain,
    purchase::{self, Bought, Purchase},
    quote::Layout,
    sandbox,
};
use crate::{context::Context, output};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Whose rows are predicted.
    listing: ListingId,
    /// The fitted model: JSON of sordino_export, `sordino train`, XGBoost or LightGBM, LightGBM's text, or ONNX.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The column that the model predicts.
    #[arg(long, value_name = "COLUMN")]
    label: String,
    /// Metrics by the values of this column, too.
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// Names of the columns of an ONNX model that does not name them, in order.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    inputs: Option<Vec<String>>,
    /// Rows in clear to compare the model's integers on, instead of the listing's own sandbox.
    #[arg(long, value_name = "FILE")]
    sandbox: Option<PathBuf>,
    /// Keep the model from the owner's gate, where the listing's policy allows it: the gate sees which columns
    /// it reads and how many rows each predicted class gets. The platform sees it in any case.
    #[arg(long)]
    hidden: bool,
    /// Show the program and the price, free of charge, and buy nothing.
    #[arg(long)]
    explain: bool,
    /// Use this layout instead of the planner's choice.
    #[arg(long, value_enum)]
    layout: Option<Layout>,
    #[command(flatten)]
    purchase: Purchase,
}

impl Evaluate {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        let listing = session.client.listing(self.listing).await?;
        let sandbox = sandbox::of(&session.client, &listing, self.sandbox.as_deref()).await?;
        let layout = self.layout.map(Into::into);
        let mut prepared = self.prepare(listing)?;
        // Who is refused sees of which integers, too.
        let fitted = auditions::fit(&session, &mut prepared, layout).await;
        if let Some(sandbox) = &sandbox {
            prepared.compare(sandbox);
        }
        output::note(&introduced(&prepared));
        fitted?;
        if self.explain {
            let question = Question::Query(Box::new(prepared.chosen.audition.query.clone()));
            let ask = AskQuote::new(self.listing, question, layout);
            explain::show(context, &session.client.explanation(&ask).await?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let keys = context.keys()?;
        let offer = auditions::quote(&session, &prepared, layout).await?;
        let (job, opened) = match self.purchase.carry_out(context, &session, &keys, &offer).await? {
            Bought::Nothing(code) => return Ok(code),
            Bought::Answer(bought) => *bought,
        };
        let metrics = auditions::metrics(&prepared, &opened).map_err(ClientError::from)?;
        if context.json() {
            output::json(&json!({
                "metrics": metrics,
                "model": prepared.preflight,
                "audition": prepared.chosen.audition,
                "answer": opened.answer,
                "job": job,
                "receipt": opened.receipt,
                "receipt_report": opened.report,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        output::text(&auditions::measured(&metrics))?;
        purchase::paid(&job, &opened);
        Ok(ExitCode::SUCCESS)
    }

    fn prepare(&self, listing: sordino_protocol::api::Listing) -> Result<Prepared> {
        let bytes = std::fs::read(&self.model).with_context(|| self.model.display().to_string())?;
        let request = Request { label: &self.label, by: self.by.as_deref(), is_hidden: self.hidden };
        let prepared = auditions::read(&bytes, self.inputs.as_deref())
            .and_then(|model| auditions::prepare(model, listing, request))
            .map_err(|error: AuditionError| ClientError::from(error))?;
        Ok(prepared)
    }
}

/// What is brought, and who will see it.
fn introduced(prepared: &Prepared) -> String {
    let schema = &prepared.listing.schema;
    let label = &schema.column(prepared.label).name;
    let seen = if prepared.is_hidden {
        "hidden    the question below is the model in integers: the platform sees it, the owner's gate does not, and \
         the receipt does not prove that it was computed"
    } else {
        "disclosed the question below is the model in integers: platform and owner see it"
    };
    format!("{}  label     {label}\n  {seen}\n", auditions::described(&prepared.preflight, schema))
}
