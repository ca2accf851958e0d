//! What keeps a model from being evaluated on a table, and what to change.

use serde::{Deserialize, Serialize};

/// One thing to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "snake_case", deny_unknown_fields)]
pub enum Problem {
    /// The table has no such column.
    #[error(
        "input `{input}`: table `{table}` has no such column; rename the input or choose another listing"
    )]
    NoColumn {
        /// Name of the input.
        input: String,
        /// Name of the table.
        table: String,
    },
    /// The column is not encrypted in a form the model can use.
    #[error("input `{input}`: {reason}")]
    NotReadable {
        /// Name of the input.
        input: String,
        /// What is there, and what would be needed.
        reason: String,
    },
    /// Rows may have no value, and the model has no answer for that.
    #[error("input `{input}` may have no value: fit the model with an imputer, or with missing values")]
    Nullable {
        /// Name of the input.
        input: String,
    },
    /// A value of the column that the model has no answer for.
    #[error(
        "input `{input}`: {reason}; fit the model with handle_unknown=\"ignore\", or on all values of the schema"
    )]
    Value {
        /// Name of the input.
        input: String,
        /// Which value, and why.
        reason: String,
    },
    /// A threshold inside a bucket, where only exact splits are wanted.
    #[error("{0}")]
    Cut(Cut),
}

/// A threshold of a tree that falls inside a bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error(
    "input `{input}`: the threshold {threshold} falls inside the bucket {bucket}; ask for an edge there, or fit on bucket edges"
)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Name of the input.
    pub input: String,
    /// The threshold, in units of the feature.
    pub threshold: f64,
    /// The bucket as the schema writes it.
    pub bucket: String,
}

/// Why a model has no integer form over a schema.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuantiseError {
    /// Model and table do not go together.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
    /// Numbers do not fit.
    #[error("{what} would be {size:e}, beyond +-(2^53 - 1): use fewer fraction bits or scale the inputs")]
    TooFine {
        /// Which integer.
        what: &'static str,
        /// Its size.
        size: f64,
    },
    /// The model and the schema together are too much work.
    #[error("{found} table entries: at most {limit} are computed; use fewer splits or wider buckets")]
    TooMuch {
        /// How many there would be.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The class alone cannot be told.
    #[error("the class alone cannot be told {0}; let clients have scores instead")]
    Classes(&'static str),
    /// An option is out of range.
    #[error("{name} is {found}: expected {expected}")]
    Options {
        /// Name of the option.
        name: &'static str,
        /// What was given.
        found: i64,
        /// What is accepted.
        expected: &'static str,
    },
}

/// Table entries that are accepted: features times codes, times scores. They are kept in memory.
pub(super) const ENTRIES: usize = 20_000_000;
/// Splits times codes that are accepted. The codes that go left are kept as ranges.
pub(super) const SPLITS: usize = 100_000_000;

/// Refuses more than `limit`.
pub(super) const fn check_work(parts: usize, codes: usize, limit: usize) -> Result<(), QuantiseError> {
    let found = parts.saturating_mul(codes);
    if found > limit { Err(QuantiseError::TooMuch { found, limit }) } else { Ok(()) }
}
