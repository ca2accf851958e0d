//! `receipt get` and `receipt verify`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::json;
use sordino_client::{
    ClientError,
    receipt::{self, Context as Known, Report},
};
use sordino_protocol::{
    ids::JobId,
    receipt::{FullReceipt, Outcome},
    signature::VerifyingKey,
};

use crate::{context::Context, output};

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Receipt {
    /// Print the receipt of a query as JSON.
    Get {
        /// Which.
        job: JobId,
    },
    /// Check the signatures of a receipt, and that its parts belong together.
    Verify {
        /// The receipt as JSON.
        file: PathBuf,
        /// The platform's key [default: the one pinned by this profile].
        #[arg(long, value_name = "HEX")]
        platform_key: Option<VerifyingKey>,
        /// The gate's key [default: asked of the platform, by the listing in the receipt].
        #[arg(long, value_name = "HEX")]
        gate_key: Option<VerifyingKey>,
    },
}

impl Receipt {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Get { job } => output::json(&context.session().await?.client.receipt(job).await?),
            Self::Verify { file, platform_key, gate_key } => {
                let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
                let full: FullReceipt = serde_json::from_str(&text)
                    .with_context(|| format!("{}: not a receipt", file.display()))?;
                let platform = match platform_key {
                    Some(key) => key,
                    None => context.profile.identity()?.platform_key.context(
                        "this profile has not met the platform yet: give --platform-key, or use --profile",
                    )?,
                };
                let gate = match gate_key {
                    Some(key) => key,
                    None => context.client().await?.listing(full.receipt.body.listing).await?.gate_key,
                };
                let report =
                    receipt::verify(&full, &platform, &gate, Known::default()).map_err(ClientError::from)?;
                show(context, &full, &report)
            }
        }
    }
}

fn show(context: &Context, full: &FullReceipt, report: &Report) -> Result<()> {
    let body = &full.receipt.body;
    if context.json() {
        return output::json(&json!({ "valid": true, "report": report, "receipt": body }));
    }
    let decision = match full.decision.as_ref().map(|decision| &decision.body.outcome) {
        None => "no decision of the gate yet".to_owned(),
        Some(Outcome::Released { reevaluated: true, .. }) => {
            "released; evaluated again by the gate".to_owned()
        }
        Some(Outcome::Released { .. }) => "released".to_owned(),
        Some(Outcome::Refused { detail, .. }) => format!("refused: {detail}"),
    };
    output::text(&format!(
        "Valid.\n  job       {}\n  dataset   {}\n  query     {}\n  program   {}\n  outputs   {}\n  \
         price     {} {}\n  platform  signed by {}\n  gate      {decision}",
        body.job,
        body.dataset,
        body.query,
        body.program,
        body.outputs,
        body.price,
        body.currency,
        full.receipt.signer.fingerprint(),
    ))
}
