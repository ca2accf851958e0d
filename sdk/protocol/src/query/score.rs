//! Scores of rows: sums of small integers that codes and conditions give, as linear models, scorecards,
//! naive Bayes and ensembles of trees have them. How many rows have a score within a band is counted
//! from an encrypted histogram over all levels of the score.
//!
//! A query holds each score once, however many outputs are about it.

mod levels;
mod tree;

use serde::{Deserialize, Serialize};

pub use self::{
    levels::{counts, indicator, interpolated},
    tree::{TreeError, check_tree},
};
use crate::{
    coded::CodedTable,
    predicate::CodeSet,
    schema::{ColumnId, Schema},
};

/// The most levels of a score: so many powers of it are summed up.
pub const MAX_LEVELS: u64 = 256;
/// The most terms of a score.
pub const MAX_TERMS: usize = 1_024;
/// The most splits that one row can pass in a tree.
pub const MAX_TREE_DEPTH: usize = 16;

/// A score: an integer of every row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// What every row has.
    pub intercept: i64,
    /// What is added.
    pub terms: Vec<ScoreTerm>,
}

/// What one column or one tree adds to a score.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScoreTerm {
    /// An integer for each code of a dimension, null included.
    Codes {
        /// The dimension.
        column: ColumnId,
        /// By code.
        values: Vec<i64>,
    },
    /// The value of the leaf that a row comes to: nodes in preorder, so that the left child of a split
    /// is the next node.
    Tree(Vec<ScoreNode>),
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScoreNode {
    /// Rows whose code is in a set go to the next node.
    Split {
        /// The dimension.
        column: ColumnId,
        /// Neither empty nor all codes.
        codes: CodeSet,
        /// Where the others go: the node after all that are below the next one.
        right: u32,
    },
    /// What is added.
    Leaf(i64),
}

impl Score {
    /// The smallest and the largest score that any row can have.
    pub fn bounds(&self) -> (i64, i64) {
        self.terms.iter().map(ScoreTerm::bounds).fold((self.intercept, self.intercept), |all, term| {
            (all.0.saturating_add(term.0), all.1.saturating_add(term.1))
        })
    }

    /// How many integers lie within the bounds.
    pub fn levels(&self) -> u64 {
        let (low, high) = self.bounds();
        high.abs_diff(low).saturating_add(1)
    }

    /// The score of a row.
    pub fn of(&self, schema: &Schema, table: &CodedTable, row: usize) -> i64 {
        self.at(&|column: ColumnId| table.mark(schema, row, column))
    }

    /// The score of a row with these codes.
    pub fn at(&self, code: &impl Fn(ColumnId) -> u32) -> i64 {
        self.terms.iter().fold(self.intercept, |score, term| score.saturating_add(term.of(code)))
    }

    /// By how much it exceeds another one. Tables of one column are one, and so are trees of the same
    /// splits; `None` beyond 64 bits.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        let mut difference =
            Self { intercept: self.intercept.checked_sub(other.intercept)?, terms: self.terms.clone() };
        for term in &other.terms {
            let negated = term.negated()?;
            let sum = difference.terms.iter_mut().find_map(|known| Some((known.plus(&negated)?, known)));
            match sum {
                Some((sum, known)) => *known = sum,
                None => difference.terms.push(negated),
            }
        }
        Some(difference)
    }

    /// The columns it looks at, sorted, each once.
    pub fn columns(&self) -> Vec<ColumnId> {
        let mut columns: Vec<_> = self.terms.iter().flat_map(ScoreTerm::columns).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

impl ScoreTerm {
    fn negated(&self) -> Option<Self> {
        Some(match self {
            Self::Codes { column, values } => Self::Codes {
                column: *column,
                values: values.iter().map(|value| value.checked_neg()).collect::<Option<_>>()?,
            },
            Self::Tree(nodes) => {
                let negated = |node: &ScoreNode| match node {
                    ScoreNode::Leaf(value) => value.checked_neg().map(ScoreNode::Leaf),
                    split => Some(split.clone()),
                };
                Self::Tree(nodes.iter().map(negated).collect::<Option<_>>()?)
            }
        })
    }

    /// The sum with another term as one; `None` where they are not alike.
    fn plus(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Codes { column, values }, Self::Codes { column: same, values: others })
                if column == same && values.len() == others.len() =>
            {
                let values = values.iter().zip(others).map(|(a, b)| a.checked_add(*b));
                Some(Self::Codes { column: *column, values: values.collect::<Option<_>>()? })
            }
            (Self::Tree(nodes), Self::Tree(others)) if nodes.len() == others.len() => {
                let both = |(one, other): (&ScoreNode, &ScoreNode)| match (one, other) {
                    (ScoreNode::Leaf(a), ScoreNode::Leaf(b)) => a.checked_add(*b).map(ScoreNode::Leaf),
                    (split, same) => (split == same).then(|| split.clone()),
                };
                Some(Self::Tree(nodes.iter().zip(others).map(both).collect::<Option<_>>()?))
            }
            _ => None,
        }
    }

    fn bounds(&self) -> (i64, i64) {
        let ends = |values: &mut dyn Iterator<Item = i64>| {
            values.fold(None, |ends: Option<(i64, i64)>, value| {
                Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            })
        };
        match self {
            Self::Codes { values, .. } => ends(&mut values.iter().copied()).unwrap_or((0, 0)),
            Self::Tree(nodes) => ends(&mut nodes.iter().filter_map(ScoreNode::leaf)).unwrap_or((0, 0)),
        }
    }

    fn of(&self, code: &impl Fn(ColumnId) -> u32) -> i64 {
        match self {
            Self::Codes { column, values } => values.get(code(*column) as usize).copied().unwrap_or(0),
            Self::Tree(nodes) => leaf(nodes, code),
        }
    }

    /// The columns it looks at, as often as it does.
    pub fn columns(&self) -> Vec<ColumnId> {
        match self {
            Self::Codes { column, .. } => vec![*column],
            Self::Tree(nodes) => nodes.iter().filter_map(ScoreNode::column).collect(),
        }
    }

    /// The codes of a column by what they add, without those that add nothing.
    pub fn by_value(values: &[i64]) -> Vec<(i64, CodeSet)> {
        let mut sorted: Vec<(i64, u32)> =
            values.iter().copied().zip(0u32..).filter(|(value, _)| *value != 0).collect();
        sorted.sort_unstable();
        sorted
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| (same[0].0, CodeSet::from_codes(same.iter().map(|(_, code)| *code))))
            .collect()
    }
}

impl ScoreNode {
    const fn leaf(&self) -> Option<i64> {
        match self {
            Self::Leaf(value) => Some(*value),
            Self::Split { .. } => None,
        }
    }

    const fn column(&self) -> Option<ColumnId> {
        match self {
            Self::Leaf(_) => None,
            Self::Split { column, .. } => Some(*column),
        }
    }
}

/// The value of the leaf that a row comes to; of a tree in preorder, every step leads on.
fn leaf(nodes: &[ScoreNode], code: &impl Fn(ColumnId) -> u32) -> i64 {
    let mut at = 0;
    loop {
        match nodes.get(at) {
            Some(ScoreNode::Split { column, codes, right }) => {
                let next = if codes.contains(code(*column)) { at + 1 } else { *right as usize };
                if next <= at {
                    return 0;
                }
                at = next;
            }
            Some(ScoreNode::Leaf(value)) => return *value,
            None => return 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_of_the_worst_row() {
        let column = ColumnId(0);
        let terms = vec![
            ScoreTerm::Codes { column, values: vec![3, -2, 0] },
            ScoreTerm::Tree(vec![split(2), ScoreNode::Leaf(0), ScoreNode::Leaf(5)]),
        ];
        let score = Score { intercept: 1, terms };
        assert_eq!((score.bounds(), score.levels()), ((-1, 9), 11));
        let by_value = ScoreTerm::by_value(&[3, 0, 3, -1]);
        assert_eq!(by_value, [(-1, CodeSet::from_codes([3])), (3, CodeSet::from_codes([0, 2]))]);
    }

    fn split(right: u32) -> ScoreNode {
        ScoreNode::Split { column: ColumnId(0), codes: CodeSet::from_codes([1]), right }
    }
}
