//! `model publish`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde_json::json;
use sordino_client::{
    ClientError,
    models::publish::{self, Output, Prepared, Request},
};
use sordino_protocol::{
    api::models::{PredictionQuota, Serving},
    money::Amount,
    predict::InputEncoding,
    schema::Schema,
};

use super::show;
use crate::{context::Context, exit, output};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The fitted model: of sordino_export, XGBoost, LightGBM or ONNX.
    file: PathBuf,
    /// The public schema of a row; `sordino schema infer` proposes one.
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// Title of the listing.
    #[arg(long)]
    title: String,
    /// What clients should know.
    #[arg(long, default_value = "")]
    description: String,
    /// Price of each row that is predicted, in the currency of the marketplace.
    #[arg(long, value_name = "AMOUNT", default_value = "0.01")]
    price_per_prediction: Amount,
    /// What clients encrypt, and so what they learn: the edges of the schema, or the tests of the model.
    #[arg(long, value_enum, default_value_t = Encoding::Edges)]
    encoding: Encoding,
    /// Whether clients send many rows at once, one with few ciphertexts, or as they like.
    #[arg(long, value_enum, default_value_t = Packing::Batch)]
    serving: Packing,
    /// The most rows of one request.
    #[arg(long, value_name = "ROWS", default_value_t = PredictionQuota::default().samples_per_request)]
    samples_per_request: u32,
    /// The most rows of one client on one day. A linear model is known after as many as it has weights.
    #[arg(long, value_name = "ROWS", default_value_t = PredictionQuota::default().samples_per_day)]
    samples_per_day: u64,
    /// Bits of a score: fewer tell clients less, and are less exact [default: as many as the model needs].
    #[arg(long, value_name = "BITS")]
    score_bits: Option<u32>,
    /// What clients get: scores and probabilities, or the class alone (of several classes their order).
    #[arg(long, value_enum, default_value_t = Told::Scores, conflicts_with = "score_bits")]
    output: Told,
    /// Do not ask before publishing.
    #[arg(long)]
    yes: bool,
}

/// What clients encrypt.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encoding {
    /// Reveals the schema only.
    Edges,
    /// Reveals which tests the model makes; fewer bytes.
    Tests,
}

/// What clients get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Told {
    /// Scores, and so probabilities.
    Scores,
    /// The class, which takes many more predictions to copy the model from.
    Classes,
}

/// Which ways of packing are offered.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Packing {
    /// Many rows a request.
    Batch,
    /// Few rows a request; of trees one, and it reveals the test of every node.
    Single,
    /// Both.
    Both,
}

impl Publish {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        let yes = self.yes;
        let request = self.request()?;
        let prepared = publish::prepare(&request)?;
        output::note(&describe(&prepared));
        if !yes && !output::confirm("Offer it?")? {
            output::note("Nothing was published.");
            return Ok(ExitCode::from(exit::FAILED));
        }
        let listing = publish::publish(&session, &request, &prepared).await?;
        if context.json() {
            output::json(&json!({
                "model": listing.id,
                "digest": listing.model,
                "kind": listing.kind,
                "forms": listing.forms.iter().map(|form| json!({
                    "rows": form.rows,
                    "parameter_set": form.form.parameter_set,
                    "key_bytes": form.key_bytes,
                    "input_bytes": form.input_bytes,
                    "reveals": form.reveals,
                })).collect::<Vec<_>>(),
            }))?;
        } else {
            output::text(&show::one(&listing))?;
            output::note(&format!("Clients run `sordino predict {} FILE.csv`.", listing.id));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn request(self) -> Result<Request> {
        let text =
            std::fs::read_to_string(&self.schema).with_context(|| self.schema.display().to_string())?;
        let schema: Schema = toml::from_str(&text).with_context(|| self.schema.display().to_string())?;
        schema.validate().map_err(ClientError::from).with_context(|| self.schema.display().to_string())?;
        Ok(Request {
            file: self.file,
            schema,
            title: self.title,
            description: self.description,
            encoding: match self.encoding {
                Encoding::Edges => InputEncoding::Edges,
                Encoding::Tests => InputEncoding::Tests,
            },
            serving: match self.serving {
                Packing::Batch => Serving::Batch,
                Packing::Single => Serving::Single,
                Packing::Both => Serving::Both,
            },
            price: self.price_per_prediction,
            quota: PredictionQuota {
                samples_per_request: self.samples_per_request,
                samples_per_day: self.samples_per_day,
            },
            score_bits: self.score_bits,
            output: match self.output {
                Told::Scores => Output::Scores,
                Told::Classes => Output::Classes,
            },
        })
    }
}

/// What will happen, before it does.
fn describe(prepared: &Prepared) -> String {
    let report = &prepared.report;
    let largest =
        |errors: &Option<Vec<f64>>| errors.as_ref().map(|errors| errors.iter().copied().fold(0.0, f64::max));
    let mut lines = vec![format!("A model of kind {:?}, in integers.", prepared.kind)];
    if let Some(rounding) = largest(&report.rounding) {
        lines.push(format!("Rounding moves a score by at most {rounding:.6}."));
    }
    if let Some(buckets) = largest(&report.buckets).filter(|buckets| *buckets > 0.0) {
        lines.push(format!("Buckets of the schema move a score by at most {buckets:.6}."));
    }
    lines.extend(prepared.advice.iter().cloned());
    lines.push(
        "The platform sees the model; clients see its schema, price and what its packing reveals.".to_owned(),
    );
    lines.join("\n")
}
