//! `model check`: looking at a model before it is brought anywhere.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sordino_client::{
    ClientError, auditions,
    sandbox::{self, Sandbox},
};
use sordino_protocol::{ids::ListingId, schema::Schema};

use crate::{context::Context, exit, output};

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The fitted model: JSON of sordino_export, `sordino train`, XGBoost or LightGBM, LightGBM's text, or ONNX.
    file: PathBuf,
    /// The listing whose columns it would read.
    #[arg(long, conflicts_with = "schema")]
    listing: Option<ListingId>,
    /// A schema file instead of a listing.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Names of the columns of an ONNX model that does not name them, in order.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    inputs: Option<Vec<String>>,
    /// Rows in clear to compare its integers on, instead of the listing's own sandbox.
    #[arg(long, value_name = "FILE")]
    sandbox: Option<PathBuf>,
}

impl Check {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let Self { file, listing, schema, inputs, sandbox } = self;
        let mut rows = vec![];
        let schema = match (listing, schema) {
            (Some(listing), _) => {
                let client = context.client().await?;
                let listing = client.listing(listing).await?;
                if let Some(own) = sandbox::fetch(&client, &listing).await? {
                    rows = own.rows;
                }
                listing.schema
            }
            (None, Some(path)) => {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let schema: Schema = toml::from_str(&text).with_context(|| path.display().to_string())?;
                schema.validate().map_err(ClientError::from)?;
                schema
            }
            (None, None) => bail!("say which table it would read: --listing LISTING or --schema FILE"),
        };
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let model = auditions::read(&bytes, inputs.as_deref()).map_err(ClientError::from)?;
        if let Some(path) = &sandbox {
            rows = Sandbox::open(path, &schema).map_err(ClientError::from)?.rows;
        }
        let found = auditions::check(&model, &schema, &rows);
        if context.json() {
            output::json(&found)?;
        } else {
            output::text(&auditions::described(&found, &schema))?;
        }
        if found.is_supported() {
            return Ok(ExitCode::SUCCESS);
        }
        output::note("The model cannot be evaluated on this table.");
        Ok(ExitCode::from(exit::REFUSED))
    }
}
