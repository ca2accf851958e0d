//! A query: what is asked of one dataset version. It is the contract; its digest is what quotes,
//! receipts, decisions and seals refer to, and it carries nothing its digest does not cover.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::Canonical,
    digest::{Digest, Purpose},
    predicate::Predicate,
    schema::{ColumnId, Schema},
};

mod error;
pub mod expression;
pub mod groups;
pub mod quantity;
pub mod score;
mod size;
mod validate;
pub mod value;
mod veil;

pub use error::QueryError;
pub use expression::{Expression, Output, Pair, Rank, Spread};
pub use groups::{Class, GroupKey, LabelKind, MAX_COMPARED};
pub use quantity::{CodeRank, Derivation, Quantity, Released, Requirements};
pub use score::{Score, ScoreNode, ScoreTerm};
pub use size::{
    MAX_COMPARISONS, MAX_KEY_PARTS, MAX_LABEL, MAX_OUTPUT_PARTS, MAX_OVERLAPPING, MAX_SCORE_PARTS,
};
pub use value::{Branch, Monomial, Value};
pub use veil::{VeilError, Veiled};

/// The most outputs of a query.
pub const MAX_OUTPUTS: usize = 64;
/// The most groups of a query.
pub const MAX_GROUPS: u64 = 4_096;
/// The most grouping keys.
pub const MAX_GROUP_KEYS: usize = 8;
/// The most scores of a query.
pub const MAX_SCORES: usize = 16;
/// The most integers computed for all groups together.
pub const MAX_COMPUTED: u64 = 1 << 16;

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Digest of the manifest of the dataset version.
    pub dataset: Digest,
    /// What is answered, in the order of the SELECT list.
    pub outputs: Vec<Output>,
    /// Which rows count.
    pub predicate: Predicate,
    /// The grouping keys; every combination of their classes is a group, in row-major order.
    pub groups: Vec<GroupKey>,
    /// The scores that outputs are about: each once, in the order of first use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
}

impl Canonical for Query {
    const PURPOSE: Purpose = Purpose::Query;
}

impl Query {
    /// What must be computed and what is released.
    pub fn requirements(&self, schema: &Schema) -> Requirements {
        Requirements::of(self, schema)
    }

    /// Number of groups: the product of the sizes of the keys; 1 without GROUP BY.
    pub fn group_count(&self, schema: &Schema) -> u64 {
        self.groups.iter().map(|key| key.size(schema)).fold(1, u64::saturating_mul)
    }

    /// Whether it is about scores, which are computed from rows published for them.
    pub fn is_scored(&self) -> bool {
        !self.scores.is_empty() || self.groups.iter().any(|key| matches!(key, GroupKey::Largest { .. }))
    }

    /// How many values an answer may disclose.
    pub fn released_values(&self, schema: &Schema) -> u64 {
        self.group_count(schema).saturating_mul(self.requirements(schema).released.len() as u64)
    }

    /// The classes of group number `index`, in the order of `self.groups`.
    pub fn group_key(&self, schema: &Schema, mut index: u64) -> Vec<u32> {
        let mut key = vec![0; self.groups.len()];
        for (slot, group) in key.iter_mut().zip(&self.groups).rev() {
            let size = group.size(schema).max(1);
            *slot = u32::try_from(index % size).unwrap_or(u32::MAX);
            index /= size;
        }
        key
    }

    /// The number of a row's group, given its code of each column; `None` when it is in none.
    pub fn group_of(&self, schema: &Schema, code: &impl Fn(ColumnId) -> u32) -> Option<u64> {
        self.groups.iter().try_fold(0u64, |index, group| {
            Some(index * group.size(schema) + u64::from(group.class_of(code)?))
        })
    }

    /// Every column that decides which rows count where, sorted, each once.
    pub fn dimensions(&self, schema: &Schema) -> Vec<ColumnId> {
        let mut columns = self.predicate.columns();
        columns.extend(self.groups.iter().flat_map(GroupKey::columns));
        for quantity in self.requirements(schema).quantities {
            columns.extend(quantity.predicates().into_iter().flat_map(Predicate::columns));
            match quantity {
                Quantity::Histogram { column, .. } => columns.push(column),
                Quantity::Levels { score, .. } => columns.extend(score.columns()),
                Quantity::Sum(_) => {}
            }
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}
