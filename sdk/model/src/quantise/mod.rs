//! From a floating-point model and the public schema of a table to a model in integers. All of it is
//! decided by what is public: no row is looked at.

mod additive;
mod classes;
mod columns;
mod fixed;
mod levels;
mod network;
mod problem;
mod trees;

use serde::{Deserialize, Serialize};
use sordino_protocol::{predict::MAX_UNIT_LEVELS, schema::Schema};

pub use self::{
    columns::{Mapped, Source, map},
    problem::{Cut, Problem, QuantiseError},
};
use crate::{
    model::{Estimator, Link, Model},
    quantised::Quantised,
};
pub(crate) use additive::bounds as score_bounds;

/// How fine the integers are, and what they read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The resolution of scores.
    pub resolution: Resolution,
    /// What is read of a column that has both a dimension and a measure.
    pub prefer: Prefer,
    /// Entries of an activation's table, as a power of two; also the bits of its outputs.
    pub table_bits: u32,
    /// Whether a threshold inside a bucket is an error rather than an approximation.
    pub exact_splits: bool,
    /// Whether two scores that tell two classes apart become one, the second less the first: it needs fewer
    /// integers than both. Probabilities that it does not tell are not stated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub difference: bool,
    /// The most values that the sum of a hidden unit may take. Few are needed for predictions on encrypted
    /// rows, which are exact but for these; if none is given, sums are fine and tables are wide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<u32>,
    /// Whether the class is told and no score; of several classes their order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub classes_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            resolution: Resolution::ScoreBits(16),
            prefer: Prefer::Exact,
            table_bits: 8,
            exact_splits: false,
            difference: false,
            levels: None,
            classes_only: false,
        }
    }
}

impl Options {
    /// For predictions on encrypted rows by a network: its units read codes, and their sums have few levels.
    pub const fn of_network(score_bits: u32) -> Self {
        Self {
            resolution: Resolution::ScoreBits(score_bits),
            prefer: Prefer::Codes,
            table_bits: 8,
            exact_splits: false,
            difference: false,
            levels: Some(MAX_UNIT_LEVELS as u32),
            classes_only: false,
        }
    }

    /// For predictions on encrypted rows that tell the class alone.
    pub const fn of_classes() -> Self {
        Self { classes_only: true, ..Self::of_network(16) }
    }
}

/// The resolution of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Resolution {
    /// A score of 1 is `2^bits`.
    FractionBits(i32),
    /// As fine as possible, as long as the largest score minus the smallest one stays below `2^bits`.
    ScoreBits(u32),
}

/// What is read of a column that has both a dimension and a measure, by models that are sums over
/// columns. Trees always read dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prefer {
    /// The dimension if each of its codes is one value, else the measure.
    Exact,
    /// The dimension.
    Codes,
    /// The measure.
    Measures,
}

/// A model in integers, and how far it may be from the model it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The integers.
    pub model: Quantised,
    /// How far they may be off.
    pub report: Report,
}

impl Options {
    /// The factors of the first and of the second score in their difference, and the link of that; none
    /// where there is no such difference, or none is asked for.
    pub(crate) fn of_two(&self, model: &Model) -> Option<([f64; 2], Link)> {
        if !self.difference || model.classes.len() != 2 {
            return None;
        }
        let above = Link::Cutoff { at: 0.0 };
        match model.link() {
            Link::Softmax => Some(([-1.0, 1.0], Link::Sigmoid)),
            Link::Largest | Link::OneVsRest | Link::Probabilities => Some(([-1.0, 1.0], above)),
            // Of clusters each is told by itself.
            Link::Smallest | Link::Identity | Link::Exp | Link::Cutoff { .. } | Link::Sigmoid => None,
        }
    }
}

/// How far the integers may be from the model they come from, whatever the rows are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Per score, the largest error by rounding, in units of the score; `None` where it is not known
    /// beforehand (networks whose sums are not of few levels).
    pub rounding: Option<Vec<f64>>,
    /// Per score, the largest error because a bucket stands for all its values; `None` where it is not
    /// known beforehand (such networks).
    pub buckets: Option<Vec<f64>>,
    /// Thresholds that fall inside a bucket: rows of it all go to one side.
    pub cuts: Vec<Cut>,
}

/// Turns a valid model into integers over a valid schema.
///
/// # Errors
/// All problems that keep the model from reading this table, with what to change.
pub fn quantise(model: &Model, schema: &Schema, options: &Options) -> Result<Outcome, QuantiseError> {
    let mapped = map(model, schema, options.prefer)?;
    if options.classes_only {
        return classes::quantise(model, schema, &mapped, options);
    }
    match &model.estimator {
        Estimator::Trees { .. } => trees::quantise(model, schema, &mapped, options),
        Estimator::Network { .. } => network::quantise(model, schema, &mapped, options),
        Estimator::Linear { .. }
        | Estimator::GaussianBayes { .. }
        | Estimator::CategoricalBayes { .. }
        | Estimator::KMeans { .. } => additive::quantise(model, schema, &mapped, options),
    }
}
