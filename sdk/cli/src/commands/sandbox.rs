//! `sandbox`: synthetic rows of a table, for buyers to rehearse on.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use sordino_client::{
    ClientError,
    api::Client,
    sandbox::{self, Options},
    table::Table,
};
use sordino_protocol::{api::Listing, schema::Schema};

use crate::output;

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// The table, CSV or Parquet. It does not leave this machine.
    file: PathBuf,
    /// Its public schema.
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// How many rows to make.
    #[arg(long, default_value_t = 500)]
    rows: usize,
    /// The privacy loss of everybody in the table, for all rows together; delta is 10^-6.
    #[arg(long, default_value_t = 1.0)]
    epsilon: f64,
    /// The column that buyers will want to predict: how every other depends on it is kept.
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
}

impl Sandbox {
    pub(crate) fn run(self) -> Result<()> {
        let text =
            std::fs::read_to_string(&self.schema).with_context(|| self.schema.display().to_string())?;
        let schema: Schema = toml::from_str(&text).with_context(|| self.schema.display().to_string())?;
        let table = Table::open(&self.file).map_err(ClientError::from)?;
        let options = Options { rows: self.rows, epsilon: self.epsilon, by: self.by };
        let made = sandbox::synthesise(&table, &schema, &options)
            .and_then(|made| made.csv(&schema))
            .map_err(ClientError::from)?;
        output::text(&String::from_utf8_lossy(&made))?;
        output::note(&format!(
            "These rows are nobody's: drawn from counts by column with noise, epsilon {} for all. Publish them with \
             `sordino publish --sandbox FILE`.",
            options.epsilon
        ));
        Ok(())
    }
}

/// The rows of a file, or else those of the listing; none where it has none.
pub(crate) async fn of(
    client: &Client,
    listing: &Listing,
    file: Option<&Path>,
) -> Result<Option<sandbox::Sandbox>> {
    match file {
        Some(path) => Ok(Some(sandbox::Sandbox::open(path, &listing.schema).map_err(ClientError::from)?)),
        None => Ok(sandbox::fetch(client, listing).await?),
    }
}
