//! A model in integers over the codes and measures of a schema: what is evaluated under encryption.
//! Every part is an integer, so it has a canonical form and a digest.

mod evaluate;
mod reading;

use serde::{Deserialize, Serialize};
use sordino_protocol::{canonical::Canonical, digest::Purpose, predicate::CodeSet, schema::ColumnId};

pub(crate) use self::evaluate::{look_up, polynomial};
pub use self::{
    evaluate::{IntegerPrediction, RowError, evaluate},
    reading::{Predicted, Reading},
};
use crate::model::Link;

/// The largest integer of a model and of its scores: what canonical JSON keeps exactly.
pub const LARGEST: i64 = (1 << 53) - 1;

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// The first.
    #[serde(rename = "sordino-integer-model/1")]
    V1,
}

/// A model in integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantised {
    /// The version of the format.
    pub format: Format,
    /// How scores are computed.
    pub shape: Shape,
    /// From scores to the prediction; a cutoff is in integer units.
    pub link: Link<i64>,
    /// Labels of the classes; none for a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// A score of the model is the integer divided by `2^fraction_bits`.
    pub fraction_bits: i32,
    /// Smallest and largest value of each score over all rows that fit the schema.
    pub bounds: Vec<(i64, i64)>,
}

/// How scores are computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Shape {
    /// Each score is a sum over columns.
    Scores(Vec<Score>),
    /// Each score is a base plus what the trees add.
    Trees {
        /// One per score.
        base: Vec<i64>,
        /// In any number.
        trees: Vec<IntegerTree>,
    },
    /// Sums over columns, then tables and weighted sums in turn.
    Network {
        /// One per unit of the first layer.
        first: Vec<Score>,
        /// The further layers; the last one gives the scores.
        layers: Vec<IntegerLayer>,
    },
}

/// An intercept and a sum over columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The value before any column.
    pub intercept: i64,
    /// At most one per column.
    pub terms: Vec<Term>,
}

/// What one column adds to a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Term {
    /// A number for each code.
    Codes {
        /// A dimension.
        column: ColumnId,
        /// One per code, the null code included.
        weights: Vec<i64>,
    },
    /// A polynomial in a measure, in units of its scale, its offset not subtracted.
    Measure {
        /// A measure.
        column: ColumnId,
        /// Times the value.
        weight: i64,
        /// Times the square of the value.
        square: i64,
        /// What a row without a value adds instead.
        null: i64,
    },
}

/// A tree; its nodes are as in [`crate::model::Tree`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegerTree {
    /// The score that the first value of a leaf adds to.
    pub score: u32,
    /// From the root down; a child stands after its parent.
    pub nodes: Vec<IntegerNode>,
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum IntegerNode {
    /// Rows whose code is in a set go left.
    Split {
        /// A dimension.
        column: ColumnId,
        /// Neither empty nor all codes.
        codes: CodeSet,
        /// Where they go.
        left: u32,
        /// Where the others go.
        right: u32,
    },
    /// What is added to the scores.
    Leaf(Vec<i64>),
}

/// A look-up table for every unit of the layer before, then weighted sums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegerLayer {
    /// One per unit of the layer before.
    pub tables: Vec<Table>,
    /// One per unit of this layer.
    pub units: Vec<IntegerUnit>,
}

/// An activation: the entry at `(x - low) >> shift`, the first or last one beyond the ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The smallest `x` of the first entry.
    pub low: i64,
    /// An entry serves `2^shift` values of `x`.
    pub shift: u32,
    /// At least one.
    pub outputs: Vec<i64>,
}

/// An intercept and weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegerUnit {
    /// The value before any weight.
    pub intercept: i64,
    /// One per unit of the layer before.
    pub weights: Vec<i64>,
}

impl Canonical for Quantised {
    const PURPOSE: Purpose = Purpose::IntegerModel;
}

impl Quantised {
    /// Scores of the model from integer scores.
    pub fn scores(&self, integers: &[i64]) -> Vec<f64> {
        let unit = unit(self.fraction_bits);
        integers.iter().map(|score| *score as f64 * unit).collect()
    }

    /// The columns it reads, ascending.
    pub fn columns(&self) -> Vec<ColumnId> {
        let term = |term: &Term| match term {
            Term::Codes { column, .. } | Term::Measure { column, .. } => *column,
        };
        let mut columns: Vec<ColumnId> = match &self.shape {
            Shape::Scores(scores) | Shape::Network { first: scores, .. } => {
                scores.iter().flat_map(|score| &score.terms).map(term).collect()
            }
            Shape::Trees { trees, .. } => trees
                .iter()
                .flat_map(|tree| &tree.nodes)
                .filter_map(|node| match node {
                    IntegerNode::Split { column, .. } => Some(*column),
                    IntegerNode::Leaf(_) => None,
                })
                .collect(),
        };
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

/// What an integer of 1 stands for.
pub(crate) fn unit(fraction_bits: i32) -> f64 {
    (-f64::from(fraction_bits)).exp2()
}
