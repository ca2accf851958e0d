//! Scores of rows: sums of small integers that codes and conditions give, as linear models, scorecards,
//! naive Bayes and ensembles of trees have them. How many rows have a score within a band is counted
//! from an encrypted histogram over all levels of the score.

use serde::{Deserialize, Serialize};

use crate::{
    coded::CodedTable,
    predicate::{CodeSet, Predicate},
    schema::{ColumnId, Schema},
};

/// The most levels of a score: so many powers of it are summed up.
pub const MAX_LEVELS: u64 = 256;
/// The most terms of a score.
pub const MAX_TERMS: usize = 1_024;
/// The most branches of a term.
pub const MAX_SCORE_BRANCHES: usize = 1_024;

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
    /// The value of the branch that a row is in; 0 if in none. No row may be in two.
    Branches(Vec<ScoreBranch>),
}

/// Some rows, and what they have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreBranch {
    /// Which rows.
    pub when: Predicate,
    /// What is added for them.
    pub value: i64,
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
        let code = |column: ColumnId| table.mark(schema, row, column);
        self.terms.iter().fold(self.intercept, |score, term| score.saturating_add(term.of(&code)))
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
    fn bounds(&self) -> (i64, i64) {
        let ends = |values: &mut dyn Iterator<Item = i64>| {
            values.fold(None, |ends: Option<(i64, i64)>, value| {
                Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            })
        };
        match self {
            Self::Codes { values, .. } => ends(&mut values.iter().copied()).unwrap_or((0, 0)),
            // A row may be in no branch.
            Self::Branches(branches) => {
                ends(&mut branches.iter().map(|branch| branch.value).chain([0])).unwrap_or((0, 0))
            }
        }
    }

    fn of(&self, code: &impl Fn(ColumnId) -> u32) -> i64 {
        match self {
            Self::Codes { column, values } => values.get(code(*column) as usize).copied().unwrap_or(0),
            Self::Branches(branches) => {
                branches.iter().find(|branch| branch.when.holds(code)).map_or(0, |branch| branch.value)
            }
        }
    }

    fn columns(&self) -> Vec<ColumnId> {
        match self {
            Self::Codes { column, .. } => vec![*column],
            Self::Branches(branches) => branches.iter().flat_map(|branch| branch.when.columns()).collect(),
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

/// How many rows have each level, from the sums of the powers of their levels modulo a prime that is
/// larger than their number: `powers[k]` is the sum of `level^k`, with `0^0 = 1`.
///
/// The counts c solve a Vandermonde system: with `M(x)` the product of all `x - v`, the polynomial
/// `M(x) / (x - v)` is 0 at every level but v, so its coefficients combine the power sums to a multiple
/// of `c_v`. In time quadratic in the number of levels.
pub fn counts(powers: &[u64], prime: u64) -> Vec<u64> {
    let (levels, p) = (powers.len(), u128::from(prime));
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % p) as u64;
    // The coefficients of M, from the constant on.
    let mut master = vec![1u64];
    for level in 0..levels as u64 {
        let mut next = vec![0u64; master.len() + 1];
        for (power, coefficient) in master.iter().enumerate() {
            next[power + 1] = (next[power + 1] + coefficient) % prime;
            next[power] = (next[power] + prime - times(*coefficient, level)) % prime;
        }
        master = next;
    }
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
    fn bounds_are_of_the_worst_row() {
        let column = ColumnId(0);
        let terms = vec![
            ScoreTerm::Codes { column, values: vec![3, -2, 0] },
            ScoreTerm::Branches(vec![ScoreBranch { when: Predicate::All, value: 5 }]),
        ];
        let score = Score { intercept: 1, terms };
        assert_eq!((score.bounds(), score.levels()), ((-1, 9), 11));
        let by_value = ScoreTerm::by_value(&[3, 0, 3, -1]);
        assert_eq!(by_value, [(-1, CodeSet::from_codes([3])), (3, CodeSet::from_codes([0, 2]))]);
    }
}
