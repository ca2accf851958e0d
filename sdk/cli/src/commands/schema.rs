//! `schema infer`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;
use sordino_client::{ClientError, infer, table::Table};

use crate::{context::Context, output};

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Schema {
    /// Propose a schema for a CSV or Parquet file: `sordino schema infer FILE > schema.toml`.
    Infer {
        /// The table.
        file: PathBuf,
    },
}

impl Schema {
    pub(crate) fn run(self, context: &Context) -> Result<()> {
        let Self::Infer { file } = self;
        let table = Table::open(&file).map_err(ClientError::from)?;
        let inferred = infer::infer(&table).map_err(ClientError::from)?;
        if context.json() {
            return output::json(&json!({
                "rows": inferred.rows,
                "schema": inferred.schema,
                "reasons": inferred.reasons,
            }));
        }
        output::text(&inferred.toml)?;
        output::note("Everything in a schema becomes public: read it before you publish.");
        Ok(())
    }
}
