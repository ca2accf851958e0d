//! How an opened answer is printed or written, shared by `query` and `job open`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use sordino_client::{buyer::Opened, render};
use sordino_protocol::{api::Job, presentation::Table};

use super::purchase;
use crate::{context::Context, output};

/// Options of an answer.
#[derive(Debug, Args)]
pub(crate) struct Form {
    /// Print the answer as CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Write the answer, with its types, to this Parquet file.
    #[arg(long, value_name = "FILE")]
    parquet: Option<PathBuf>,
    /// Write the answer, with its types, to this Arrow IPC file.
    #[arg(long, value_name = "FILE")]
    arrow: Option<PathBuf>,
    /// Show every group and output that was released, without HAVING, ORDER BY and LIMIT.
    #[arg(long)]
    whole: bool,
}

impl Form {
    /// Prints an opened answer, and writes the files that were asked for.
    pub(crate) fn show(&self, context: &Context, job: &Job, opened: &Opened) -> Result<()> {
        let table = if self.whole { opened.whole() } else { opened.table() }?;
        self.write(&table)?;
        if context.json() {
            let mut document = render::json(&table, &opened.answer);
            if let Some(fields) = document.as_object_mut() {
                fields.insert("job".to_owned(), serde_json::to_value(job)?);
                fields.insert("presentation".to_owned(), serde_json::to_value(&opened.presentation)?);
                fields.insert("receipt".to_owned(), serde_json::to_value(&opened.receipt)?);
                fields.insert("receipt_report".to_owned(), serde_json::to_value(&opened.report)?);
            }
            return output::json(&document);
        }
        if self.csv {
            return output::text(&render::csv(&table));
        }
        output::text(&render::table(&table))?;
        for note in render::notes(&table, opened.answer.min_cohort) {
            output::note(&note);
        }
        purchase::paid(job, opened);
        Ok(())
    }

    fn write(&self, table: &Table) -> Result<()> {
        let save = |path: &Path, bytes: Vec<u8>| {
            std::fs::write(path, bytes).with_context(|| path.display().to_string())
        };
        if let Some(path) = &self.parquet {
            save(path, render::parquet(table)?)?;
        }
        if let Some(path) = &self.arrow {
            save(path, render::arrow(table)?)?;
        }
        Ok(())
    }
}
