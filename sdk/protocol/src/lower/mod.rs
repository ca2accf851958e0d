//! Lowering: from a query and a manifest to a program for one layout. Pure and deterministic, so
//! platform and gate compile the same program and compare digests.

use crate::{
    bounds::BoundError,
    layout::LayoutKind,
    manifest::Manifest,
    program::Program,
    query::{Query, QueryError},
    schema::{ColumnId, Schema},
};

mod pieces;
pub mod rollup;
pub mod scan;

/// Why a layout cannot answer a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// The dataset version does not have the layout.
    #[error("the dataset is not published in layout {0:?}")]
    NoLayout(LayoutKind),
    /// The query does not belong to the schema.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// No published cuboid has all the dimensions of the query.
    #[error("no cuboid has all of {dimensions:?}: ask about fewer dimensions together, or use layout scan")]
    NoCuboid {
        /// Names of the dimensions.
        dimensions: Vec<String>,
    },
    /// Products of measures are not stored by all the dimensions of the query.
    #[error(
        "{sums} are stored only for totals and for single dimensions of few values, not by {dimensions:?}: \
         ask about the whole table or by one such dimension, or use layout scan"
    )]
    NoMoments {
        /// What is asked for.
        sums: String,
        /// Names of the dimensions.
        dimensions: Vec<String>,
    },
    /// Aggregates know no score of a row.
    #[error("aggregates do not tell the scores of rows: these are computed from rows, in layout scan")]
    Scores,
    /// The dataset is not published for scores.
    #[error(
        "the dataset has no rows to be scored: its owner has to publish it with `--models`, \
         or ask for trees and regressions, which need no threshold of a score"
    )]
    NoScores,
    /// What would be summed is not stored in this layout.
    #[error("the layout does not store {0}")]
    NotStored(String),
    /// A static bound is exceeded.
    #[error(transparent)]
    Bound(#[from] BoundError),
}

/// Compiles `query` for `layout`.
///
/// # Errors
/// When the layout cannot answer it exactly, with the reason.
pub fn lower(manifest: &Manifest, query: &Query, layout: LayoutKind) -> Result<Program, LowerError> {
    query.validate(&manifest.schema)?;
    match layout {
        LayoutKind::Rollup => rollup::lower(manifest, query).map(Program::Rollup),
        LayoutKind::Scan => scan::lower(manifest, query).map(Program::Scan),
    }
}

/// A measure in words, for an error.
fn describe_measure(schema: &Schema, column: ColumnId) -> String {
    format!("the values of `{}`", schema.column(column).name)
}
