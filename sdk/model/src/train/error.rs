//! Why a run cannot be started or continued, and what to change.

use sordino_protocol::{canonical::CanonicalError, query::QueryError};

use crate::model::ModelError;

/// A training run that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A name that the table does not have.
    #[error("`{0}` is not a column of the table")]
    UnknownColumn(String),
    /// A column that cannot be used in this place.
    #[error("`{column}`: {reason}")]
    Column {
        /// Its name.
        column: String,
        /// What is needed.
        reason: String,
    },
    /// An option out of its range.
    #[error("{option}: {reason}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What is accepted.
        reason: String,
    },
    /// The inputs have too many combinations.
    #[error("{inputs} have {cells} cells together, at most {limit} are asked for: {instead}")]
    Cells {
        /// The inputs with their numbers of classes.
        inputs: String,
        /// Combinations.
        cells: u64,
        /// What is accepted.
        limit: u64,
        /// What to change.
        instead: String,
    },
    /// One question alone releases more than a query may.
    #[error(
        "a query over {groups} groups releases {values} values, at most {limit} are allowed: \
         use fewer or coarser inputs"
    )]
    Released {
        /// Groups of the query.
        groups: u64,
        /// Values it would release.
        values: u64,
        /// What the policy allows.
        limit: u64,
    },
    /// A query is not valid over the schema.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A query has no digest.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Answers that do not belong to the queries of the round.
    #[error("answer {position}: {reason}")]
    Answer {
        /// Its position in the round.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Answers came that nothing was asked for.
    #[error("no query is open: call `next` first")]
    NothingAsked,
    /// The run ended before.
    #[error("the run has ended with an error: start a new one, with the answers so far")]
    Failed,
    /// Too little was released.
    #[error("nothing can be fitted: {0}")]
    NothingReleased(String),
    /// The model that came out is not well formed.
    #[error("the fitted model is not valid: {0}")]
    Model(#[from] ModelError),
}

impl TrainError {
    pub(super) fn column(column: &str, reason: impl Into<String>) -> Self {
        Self::Column { column: column.to_owned(), reason: reason.into() }
    }

    pub(super) fn option(option: &'static str, reason: impl Into<String>) -> Self {
        Self::Option { option, reason: reason.into() }
    }
}
