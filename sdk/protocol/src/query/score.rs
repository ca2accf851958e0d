//! Scores of rows: sums of small integers that codes and conditions give, as linear models, scorecards,
//! naive Bayes and ensembles of trees have them. How many rows have a score within a band is counted
//! from an encrypted histogram over all levels of the score.
//!
//! A query holds each score once, however many outputs are about it.

use serde::{Deserialize, Serialize};

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

/// Why nodes are no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A node is missing, left over, or not where preorder has it.
    #[error("its nodes are not one tree in preorder")]
    Order,
    /// A path is too long.
    #[error("a row passes more than {MAX_TREE_DEPTH} splits")]
    Depth,
}

/// Checks that nodes are one tree in preorder, no deeper than allowed; gives its depth.
///
/// # Errors
/// What is wrong.
pub fn check_tree(nodes: &[ScoreNode]) -> Result<usize, TreeError> {
    // Where right children have to begin, the innermost last.
    let mut awaited: Vec<u32> = Vec::new();
    // Splits passed on the way to each of them.
    let (mut depths, mut depth, mut deepest) = (Vec::new(), 0usize, 0usize);
    for (at, node) in (0u32..).zip(nodes) {
        match node {
            ScoreNode::Split { right, .. } => {
                depth += 1;
                if depth > MAX_TREE_DEPTH {
                    return Err(TreeError::Depth);
                }
                deepest = deepest.max(depth);
                awaited.push(*right);
                depths.push(depth);
            }
            ScoreNode::Leaf(_) => match awaited.pop() {
                Some(right) if right == at + 1 => depth = depths.pop().unwrap_or(0),
                None if at as usize + 1 == nodes.len() => return Ok(deepest),
                _ => return Err(TreeError::Order),
            },
        }
    }
    Err(TreeError::Order)
}

/// How many rows have each level, from the sums of the powers of their levels modulo a prime that is
/// larger than their number: `powers[k]` is the sum of `level^k`, with `0^0 = 1`.
///
/// The counts c solve a Vandermonde system: with `M(x)` the product of all `x - v`, the polynomial
/// `M(x) / (x - v)` is 0 at every level but v, so its coefficients combine the power sums to a multiple
/// of `c_v`. In time quadratic in the number of levels.
pub fn counts(powers: &[u64], prime: u64) -> Vec<u64> {
    let (levels, p) = (powers.len(), u128::from(prime));
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % p) as u64;
    let master = master(levels as u64, prime);
    (0..levels as u64)
        .map(|level| {
            // Synthetic division, with the value of the quotient at the level alongside.
            let (mut quotient, mut weighted, mut at_level) = (0u64, 0u64, 0u64);
            for power in (0..levels).rev() {
                quotient = (master[power + 1] + times(quotient, level)) % prime;
                weighted = (weighted + times(quotient, powers[power] % prime)) % prime;
                at_level = (times(at_level, level) + quotient) % prime;
            }
            times(weighted, inverse(at_level, prime))
        })
        .collect()
}

/// The coefficients of the polynomial, modulo a prime larger than their number, that is 1 at levels from
/// `cut` on and 0 at those below; from the constant on.
pub fn indicator(levels: u64, cut: u64, prime: u64) -> Vec<u64> {
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(prime)) as u64;
    let master = master(levels, prime);
    let mut sum = vec![0u64; levels as usize];
    for level in cut.min(levels)..levels {
        // Lagrange: the product of all x - v but this one, divided by its value here.
        let (mut quotient, mut at_level) = (0u64, 0u64);
        let mut coefficients = vec![0u64; levels as usize];
        for power in (0..levels as usize).rev() {
            quotient = (master[power + 1] + times(quotient, level)) % prime;
            coefficients[power] = quotient;
            at_level = (times(at_level, level) + quotient) % prime;
        }
        let scale = inverse(at_level, prime);
        for (sum, coefficient) in sum.iter_mut().zip(coefficients) {
            *sum = (*sum + times(coefficient, scale)) % prime;
        }
    }
    sum
}

/// The coefficients of the product of all `x - level`, from the constant on.
fn master(levels: u64, prime: u64) -> Vec<u64> {
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(prime)) as u64;
    let mut master = vec![1u64];
    for level in 0..levels {
        let mut next = vec![0u64; master.len() + 1];
        for (power, coefficient) in master.iter().enumerate() {
            next[power + 1] = (next[power + 1] + coefficient) % prime;
            next[power] = (next[power] + prime - times(*coefficient, level)) % prime;
        }
        master = next;
    }
    master
}

/// By Fermat's theorem.
fn inverse(value: u64, prime: u64) -> u64 {
    let (mut result, mut base, mut exponent) = (1u128, u128::from(value), prime - 2);
    let p = u128::from(prime);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % p;
        }
        base = base * base % p;
        exponent >>= 1;
    }
    result as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_from_sums_of_powers() {
        const PRIME: u64 = 786_433;
        for levels in [1usize, 2, 3, 17, 256] {
            let expected: Vec<u64> = (0..levels as u64).map(|level| level * 97 % 1_000).collect();
            let power = |level: u64, k: u32| {
                (0..k).fold(1u128, |power, _| power * u128::from(level) % u128::from(PRIME)) as u64
            };
            let sum = |k: u32| {
                let terms = (0u64..).zip(&expected).map(|(level, count)| {
                    u128::from(power(level, k)) * u128::from(*count) % u128::from(PRIME)
                });
                (terms.sum::<u128>() % u128::from(PRIME)) as u64
            };
            let powers: Vec<u64> = (0..levels as u32).map(sum).collect();
            assert_eq!(counts(&powers, PRIME), expected, "{levels} levels");
        }
    }

    #[test]
    fn an_indicator_is_1_from_its_cut_on() {
        const PRIME: u64 = 786_433;
        for (levels, cut) in [(2u64, 1u64), (9, 4), (256, 200), (5, 5), (3, 0)] {
            let coefficients = indicator(levels, cut, PRIME);
            for level in 0..levels {
                let at = |sum: u64, coefficient: &u64| (sum * level + coefficient) % PRIME;
                let found = coefficients.iter().rev().fold(0, at);
                assert_eq!(found, u64::from(level >= cut), "{level} of {levels} from {cut}");
            }
        }
    }

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

    #[test]
    fn only_trees_in_preorder_are_trees() {
        let leaf = || ScoreNode::Leaf(1);
        assert_eq!(check_tree(&[leaf()]), Ok(0));
        assert_eq!(check_tree(&[split(4), split(3), leaf(), leaf(), leaf()]), Ok(2));
        assert_eq!(check_tree(&[split(2), leaf(), split(4), leaf(), leaf()]), Ok(2));
        for wrong in [
            vec![],
            vec![leaf(), leaf()],
            vec![split(2), leaf()],
            vec![split(0), leaf(), leaf()],
            vec![split(3), split(3), leaf(), leaf(), leaf()],
            vec![split(9), leaf(), leaf()],
        ] {
            assert_eq!(check_tree(&wrong), Err(TreeError::Order), "{wrong:?}");
        }
        let deep = (1..=17).map(|at| split(2 * at)).collect::<Vec<_>>();
        assert_eq!(check_tree(&deep), Err(TreeError::Depth));
    }
}
