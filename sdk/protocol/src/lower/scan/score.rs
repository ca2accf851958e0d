//! Scores under encryption, and their powers.

use super::{
    atoms,
    builder::{Builder, Node},
    conditions::Conditions,
};
use crate::{
    layout::{DimensionDigits, ScanLayout, Slice},
    query::{Score, ScoreTerm},
    schema::Schema,
};

/// The score of every row less the lowest possible, 0 in padding; `None` if it always is 0.
pub(super) fn level(
    builder: &mut Builder,
    schema: &Schema,
    layout: &ScanLayout,
    score: &Score,
) -> Option<Node> {
    let mut terms: Vec<(Node, i64)> = Vec::new();
    let mut constant = score.intercept - score.bounds().0;
    for term in &score.terms {
        match term {
            ScoreTerm::Codes { column, values } => match layout.digits_of(*column) {
                Some(digits) if digits.bases.len() == 1 && digits.blocks.is_none() => {
                    constant += values.first().copied().unwrap_or(0);
                    terms.extend(steps(builder, digits, values));
                }
                Some(digits) => {
                    let size = schema.column(*column).codes();
                    for (value, codes) in ScoreTerm::by_value(values) {
                        if codes.len() == size {
                            constant += value;
                            continue;
                        }
                        let masks = atoms::masks(builder, digits, size, &codes);
                        terms.push((builder.conjunction(masks), value));
                    }
                }
                // A dimension of one code has no digits.
                None => constant += values.first().copied().unwrap_or(0),
            },
            ScoreTerm::Branches(branches) => {
                for branch in branches.iter().filter(|branch| branch.value != 0) {
                    let masks = Conditions { builder, schema, layout }.masks(&branch.when, false);
                    let Some(masks) = masks else { continue };
                    terms.push((builder.conjunction(masks), branch.value));
                }
            }
        }
    }
    if constant != 0 {
        terms.push((builder.exists(), constant));
    }
    let terms = collected(terms);
    (!terms.is_empty()).then(|| builder.combine(terms))
}

/// The value of a digit's code as steps from one code to the next, without what code 0 has.
fn steps(builder: &mut Builder, digits: &DimensionDigits, values: &[i64]) -> Vec<(Node, i64)> {
    let mut steps = Vec::new();
    for (value, pair) in (1u32..).zip(values.windows(2)).filter(|(_, pair)| pair[0] != pair[1]) {
        let slice = builder.load(Slice::AtLeast { column: digits.column, digit: 0, value });
        steps.push((slice, pair[1] - pair[0]));
    }
    steps
}

/// Each node once.
fn collected(mut terms: Vec<(Node, i64)>) -> Vec<(Node, i64)> {
    terms.sort_unstable();
    let mut kept: Vec<(Node, i64)> = Vec::with_capacity(terms.len());
    for (node, coefficient) in terms {
        match kept.last_mut() {
            Some(last) if last.0 == node => last.1 += coefficient,
            _ => kept.push((node, coefficient)),
        }
    }
    kept.retain(|(_, coefficient)| *coefficient != 0);
    kept
}

/// Powers below this have the mask of a group, multiples of it do not.
pub(super) fn step(levels: u64) -> u64 {
    levels.isqrt().next_power_of_two().max(1)
}

/// A power, as deep as its logarithm.
pub(super) fn power(builder: &mut Builder, node: Node, exponent: u64) -> Node {
    if exponent <= 1 {
        return node;
    }
    let high = exponent.next_power_of_two() / 2;
    let (high, low) = if high == exponent { (high / 2, high / 2) } else { (high, exponent - high) };
    let (one, other) = (power(builder, node, high), power(builder, node, low));
    builder.multiply(one, other)
}
