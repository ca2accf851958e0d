//! The error of a prediction as a sum of few values: piecewise polynomials in measures.
//!
//! A score is a sum over trees and columns; the label is one more part with a negative sign. All parts
//! are in one unit, so that the error is an integer. Parts are added up as long as the cases of the sum
//! stay few: the square of one value is one sum, that of k parts is k (k + 1) / 2 sums.

use std::collections::BTreeMap;

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Branch, Monomial, Value, value::MAX_BRANCHES},
    schema::{ColumnId, Schema},
};

use super::{AuditionError, cells};
use crate::{
    model::Link,
    quantised::{Quantised, Score, Shape, Term},
};

/// The most cases of a part that others are added to: few large parts, or more that are smaller.
const JOINED: [usize; 4] = [128, 64, 32, 16];
/// The most leaves of all trees together.
const LEAVES: usize = 128;
/// The most parts: their squares and products are outputs of one query.
const PARTS: usize = 9;
/// The most measures that may have no value: each doubles the cases.
const NULLABLE: usize = 4;

/// The error as a sum of values, in units of `unit`.
pub(super) struct Components {
    pub(super) values: Vec<Value>,
    pub(super) unit: f64,
}

/// Predicted minus actual.
pub(super) fn error(
    model: &Quantised,
    schema: &Schema,
    label: ColumnId,
) -> Result<Components, AuditionError> {
    if model.link != Link::Identity {
        return Err(AuditionError::Model("the prediction is no sum"));
    }
    let column = schema.column(label);
    let not_a_measure = || AuditionError::LabelIsNoMeasure { label: column.name.clone() };
    let scale = column.measure.as_ref().ok_or_else(not_a_measure)?.scale;
    // score / 2^bits - label / 10^scale, times both denominators and divided by what they share.
    let power = |base: i64, exponent: u32| base.checked_pow(exponent).ok_or(AuditionError::TooFine);
    let bits = model.fraction_bits;
    let of_score = power(10, u32::from(scale))?
        .checked_mul(power(2, u32::try_from(-bits).unwrap_or(0))?)
        .ok_or(AuditionError::TooFine)?;
    let of_label = power(2, u32::try_from(bits).unwrap_or(0))?;
    let shared = 1i64 << of_score.trailing_zeros().min(of_label.trailing_zeros());
    let (of_score, of_label) = (of_score / shared, of_label / shared);
    let unit = 1.0 / (10f64.powi(i32::from(scale)) * of_label as f64);
    let actual = Monomial { coefficient: -of_label, columns: vec![label] };
    let parts = match &model.shape {
        Shape::Scores(scores) => {
            let [score] = scores.as_slice() else {
                return Err(AuditionError::Model("a number has one score"));
            };
            of_sum(schema, score, of_score, actual)?
        }
        Shape::Trees { base, trees } => {
            let intercept = times(base.first().copied().unwrap_or(0), of_score)?;
            let mut parts = vec![single(Predicate::All, vec![Monomial::constant(intercept), actual])?];
            let mut leaves = 0;
            for tree in trees {
                let leaf = |leaf: &[i64]| {
                    let value = (tree.score == 0).then(|| leaf.first().copied()).flatten().unwrap_or(0);
                    times(value, of_score)
                };
                let cells = cells::of_tree(schema, tree, leaf)?;
                // Conditions of many leaves at once are not even tried: they take long to be compared.
                leaves += cells.len();
                if leaves > LEAVES {
                    return Err(AuditionError::TooManyParts { parts: trees.len(), limit: PARTS });
                }
                parts.push(joined_cases(schema, cells.into_iter().map(|cell| (cell.outcome, cell.when)))?);
            }
            parts
        }
        Shape::Network { .. } => return Err(AuditionError::Model("a network is no sum")),
    };
    Ok(Components { values: join(schema, parts)?, unit })
}

/// The parts of a sum over columns: what is a polynomial is one, and every column of codes another.
fn of_sum(
    schema: &Schema,
    score: &Score,
    of_score: i64,
    actual: Monomial,
) -> Result<Vec<Value>, AuditionError> {
    let mut always = vec![Monomial::constant(times(score.intercept, of_score)?), actual];
    let mut optional = Vec::new();
    let mut parts = Vec::new();
    for term in &score.terms {
        match term {
            Term::Codes { column, weights } => {
                let mut codes: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
                for (code, weight) in (0..schema.column(*column).codes()).zip(weights) {
                    codes.entry(times(*weight, of_score)?).or_default().push(code);
                }
                let rows =
                    |codes: Vec<u32>| Predicate::column_in(schema, *column, CodeSet::from_codes(codes));
                parts.push(joined_cases(
                    schema,
                    codes.into_iter().map(|(weight, codes)| (weight, rows(codes))),
                )?);
            }
            Term::Measure { column, weight, square, null } => {
                let present = [
                    Monomial { coefficient: times(*weight, of_score)?, columns: vec![*column] },
                    Monomial { coefficient: times(*square, of_score)?, columns: vec![*column, *column] },
                ];
                // Without a value a measure counts as 0.
                if schema.column(*column).nullable && *null != 0 {
                    optional.push((*column, times(*null, of_score)?));
                }
                always.extend(present);
            }
        }
    }
    if optional.len() > NULLABLE {
        return Err(AuditionError::TooManyNullable { found: optional.len(), limit: NULLABLE });
    }
    parts.push(single(Predicate::All, always)?);
    for (column, null) in optional {
        let there = Predicate::present(schema, column);
        parts.push(joined_cases(schema, [(null, there.negated(schema)), (0, there)].into_iter())?);
    }
    Ok(parts)
}

/// A constant for each of some sets of rows that exclude each other; equal constants are one case.
fn joined_cases(
    schema: &Schema,
    cases: impl Iterator<Item = (i64, Predicate)>,
) -> Result<Value, AuditionError> {
    let mut rows: BTreeMap<i64, Vec<Predicate>> = BTreeMap::new();
    cases.for_each(|(constant, when)| rows.entry(constant).or_default().push(when));
    let branch = |(constant, when)| {
        let constants = if constant == 0 { vec![] } else { vec![Monomial::constant(constant)] };
        Branch { when: Predicate::or(schema, when), monomials: constants }
    };
    Ok(Value { scale: 0, branches: rows.into_iter().map(branch).collect() })
}

fn single(when: Predicate, monomials: Vec<Monomial>) -> Result<Value, AuditionError> {
    let branch = Branch::collected(when, monomials).ok_or(AuditionError::TooFine)?;
    Ok(Value { scale: 0, branches: vec![branch] })
}

fn times(a: i64, b: i64) -> Result<i64, AuditionError> {
    a.checked_mul(b).ok_or(AuditionError::TooFine)
}

/// Adds parts up: to as few as have products of few cases.
fn join(schema: &Schema, mut parts: Vec<Value>) -> Result<Vec<Value>, AuditionError> {
    parts.sort_by_key(|part| part.branches.len());
    let mut refused = None;
    for most in JOINED {
        // With fewer cases there are more parts.
        let Some(joined) = join_to(schema, &parts, most)? else { break };
        let pairs = joined.iter().enumerate();
        let pairs = pairs.flat_map(|(at, one)| joined[at..].iter().map(|other| one.pairs(other)));
        match pairs.max().unwrap_or(0) {
            found if found > MAX_BRANCHES => refused = Some(AuditionError::TooManyCells { found }),
            _ => return Ok(joined),
        }
    }
    Err(refused.unwrap_or(AuditionError::TooManyParts { parts: parts.len(), limit: PARTS }))
}

/// The smallest parts first, each with the first that has few cases with it; `None` if too many remain.
fn join_to(schema: &Schema, parts: &[Value], most: usize) -> Result<Option<Vec<Value>>, AuditionError> {
    let mut joined: Vec<Value> = Vec::new();
    for part in parts {
        let with = joined.iter().position(|other| other.pairs(part) <= most);
        match with {
            Some(at) => joined[at] = joined[at].plus(schema, part).ok_or(AuditionError::TooFine)?,
            None if joined.len() == PARTS => return Ok(None),
            None => joined.push(part.clone()),
        }
    }
    Ok(Some(joined))
}
