//! `predict`: have the rows of a table predicted by a model, without showing them.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};
use sordino_client::models::predict::{self, Outcome, Plan, Row};
use sordino_protocol::ids::ModelId;

use super::agreement::Agreement;
use crate::{context::Context, exit, output};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// Which model; `sordino model list` shows them.
    model: ModelId,
    /// The rows, CSV or Parquet. They are encrypted on this machine.
    file: PathBuf,
    /// Write the receipts to this file.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    #[command(flatten)]
    agreement: Agreement,
}

impl Predict {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        let keys = context.keys()?;
        let listing = session.client.model(self.model).await?;
        let plan = predict::plan(listing, &self.file)?;
        output::note(&describe(&plan));
        let currency = plan.listing.currency;
        if !self.agreement.agree(plan.price, currency)? {
            return Ok(ExitCode::from(exit::FAILED));
        }
        let price = plan.price;
        let outcome = predict::run(&session, &keys, plan).await?;
        if let Some(path) = &self.receipts {
            let text = serde_json::to_string_pretty(&outcome.predictions)?;
            std::fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        show(context, &outcome)?;
        if outcome.continued {
            output::note("Went on with a run that was cut off: what it had paid was not charged again.");
        }
        output::note(&format!(
            "Paid {price} {currency}. Sent {}, received {}; {:.2} s, of which the platform computed {:.2} s. \
             The receipts are valid.",
            output::bytes(outcome.sent_bytes + outcome.key_bytes),
            output::bytes(outcome.received_bytes),
            outcome.total_ms as f64 / 1e3,
            outcome.evaluate_ms as f64 / 1e3,
        ));
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(plan: &Plan) -> String {
    let mut text = format!(
        "{}: {} in {}, {} {} for all.\nEncrypted on this machine and sent: {}.",
        plan.listing.title,
        output::count(plan.table.rows as u64, "row"),
        output::count(plan.requests.len() as u64, "request"),
        plan.price,
        plan.listing.currency,
        output::bytes(plan.bytes),
    );
    if !plan.ignored.is_empty() {
        text.push_str(&format!("\nNot read: {}.", plan.ignored.join(", ")));
    }
    text
}

fn show(context: &Context, outcome: &Outcome) -> Result<()> {
    if context.json() {
        return output::json(&json!({
            "rows": outcome.rows.iter().map(one).collect::<Vec<_>>(),
            "predictions": outcome.predictions.iter().map(|prediction| prediction.id).collect::<Vec<_>>(),
            "continued": outcome.continued,
            "key_bytes": outcome.key_bytes,
            "sent_bytes": outcome.sent_bytes,
            "received_bytes": outcome.received_bytes,
            "evaluate_ms": outcome.evaluate_ms,
            "total_ms": outcome.total_ms,
        }));
    }
    let lines: Vec<String> = outcome.rows.iter().map(line).collect();
    output::text(&lines.join("\n"))
}

fn one(row: &Row) -> Value {
    let predicted = &row.predicted;
    json!({
        "class": predicted.class,
        "probabilities": predicted.probabilities,
        "value": predicted.value,
        "scores": predicted.scores,
    })
}

/// A class with its probability, or a number.
fn line(row: &Row) -> String {
    let predicted = &row.predicted;
    let probability = predicted.probabilities.as_ref().map(|all| all.iter().copied().fold(0.0, f64::max));
    match (&predicted.class, probability, predicted.value) {
        (Some(class), Some(probability), _) => format!("{class}\t{probability:.4}"),
        (Some(class), None, _) => class.clone(),
        (None, _, Some(value)) => value.to_string(),
        (None, _, None) => predicted.scores.iter().map(f64::to_string).collect::<Vec<_>>().join("\t"),
    }
}
