//! Scores under encryption, and their powers.

mod compare;
mod tree;

pub(super) use compare::{Side, positive};

use super::{
    atoms,
    builder::{Builder, Node},
};
use crate::{
    layout::{DimensionDigits, ScanLayout, Slice},
    predicate::CodeSet,
    query::{Score, ScoreTerm},
    schema::{ColumnId, Schema},
};

/// The score of every row less the lowest possible, 0 in padding; `None` if it always is 0.
pub(super) fn level(
    builder: &mut Builder,
    schema: &Schema,
    layout: &ScanLayout,
    score: &Score,
) -> Option<Node> {
    let mut sum = Linear { terms: Vec::new(), constant: score.intercept - score.bounds().0 };
    let mut columns = Columns { builder, schema, layout };
    for term in &score.terms {
        let part = match term {
            ScoreTerm::Codes { column, values } => columns.table(*column, values),
            ScoreTerm::Tree(nodes) => columns.tree(nodes),
        };
        sum.add(part, 1);
    }
    let terms = sum.terms(columns.builder);
    if terms.is_empty() {
        return None;
    }
    // Products are added up by themselves, so that their sum is relinearised once.
    let (products, rest): (Vec<_>, Vec<_>) =
        terms.into_iter().partition(|(node, _)| columns.builder.is_product(*node));
    let parts: Vec<Node> = [products, rest]
        .into_iter()
        .filter(|terms| !terms.is_empty())
        .map(|terms| columns.builder.combine(terms))
        .collect();
    Some(columns.builder.sum(parts))
}

/// A linear combination of nodes, and a constant for every row.
#[derive(Debug, Clone, Default)]
pub(super) struct Linear {
    terms: Vec<(Node, i64)>,
    constant: i64,
}

impl Linear {
    /// A node itself.
    pub(super) fn of(node: Node) -> Self {
        Self { terms: vec![(node, 1)], constant: 0 }
    }

    pub(super) const fn constant(constant: i64) -> Self {
        Self { terms: Vec::new(), constant }
    }

    pub(super) const fn is_constant(&self) -> bool {
        self.terms.is_empty()
    }

    /// Adds another one times a factor.
    pub(super) fn add(&mut self, other: Self, factor: i64) {
        self.constant += other.constant * factor;
        self.terms.extend(other.terms.into_iter().map(|(node, coefficient)| (node, coefficient * factor)));
    }

    pub(super) fn minus(mut self, other: Self) -> Self {
        self.add(other, -1);
        self.terms = collected(self.terms);
        self
    }

    fn terms(mut self, builder: &mut Builder) -> Vec<(Node, i64)> {
        if self.constant != 0 {
            self.terms.push((builder.exists(), self.constant));
        }
        collected(self.terms)
    }

    /// As one node.
    pub(super) fn node(self, builder: &mut Builder) -> Node {
        let terms = self.terms(builder);
        if terms.is_empty() { builder.nothing() } else { builder.combine(terms) }
    }
}

/// What columns add.
pub(super) struct Columns<'a> {
    pub(super) builder: &'a mut Builder,
    pub(super) schema: &'a Schema,
    pub(super) layout: &'a ScanLayout,
}

impl Columns<'_> {
    /// The digit of a dimension that has one only: what its codes add is then linear in slices.
    pub(super) fn single(&self, column: ColumnId) -> Option<&DimensionDigits> {
        let digits = self.layout.digits_of(column)?;
        (digits.bases.len() == 1 && digits.blocks.is_none()).then_some(digits)
    }

    /// An integer for each code of a dimension.
    pub(super) fn table(&mut self, column: ColumnId, values: &[i64]) -> Linear {
        let first = values.first().copied().unwrap_or(0);
        let layout = self.layout;
        let Some(digits) = layout.digits_of(column) else {
            // A dimension of one code has no digits.
            return Linear::constant(first);
        };
        if self.single(column).is_some() {
            return Linear { terms: steps(self.builder, digits, values), constant: first };
        }
        let (size, mut sum) = (self.schema.column(column).codes(), Linear::default());
        for (value, codes) in ScoreTerm::by_value(values) {
            if codes.len() == size {
                sum.constant += value;
                continue;
            }
            let masks = atoms::masks(self.builder, digits, size, &codes);
            sum.terms.push((self.builder.conjunction(masks), value));
        }
        sum
    }

    /// The mask of some codes of a dimension: neither none nor all.
    pub(super) fn mask(&mut self, column: ColumnId, codes: &CodeSet) -> Node {
        let (layout, size) = (self.layout, self.schema.column(column).codes());
        match layout.digits_of(column) {
            Some(digits) => {
                let masks = atoms::masks(self.builder, digits, size, codes);
                self.builder.conjunction(masks)
            }
            // A query on a column without slices was refused before.
            None => self.builder.nothing(),
        }
    }
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

/// All powers below `levels` where a mask is 1, in such an order that few of them wait to be a factor: each
/// before those that are made of it, and these with all that follows before the next.
pub(super) fn masked_powers(builder: &mut Builder, mask: Node, node: Node, levels: u64) {
    let mut open = vec![0u64];
    while let Some(exponent) = open.pop() {
        masked_power(builder, mask, node, exponent);
        let higher = (0..u64::BITS).map(|bit| 1u64 << bit).take_while(|high| exponent + high < levels);
        open.extend(higher.filter(|high| *high > exponent).map(|high| exponent + high));
    }
}

/// A power where a mask is 1, as shallow as can be: each takes one product, and is a factor of others.
pub(super) fn masked_power(builder: &mut Builder, mask: Node, node: Node, exponent: u64) -> Node {
    if exponent == 0 {
        return mask;
    }
    let high = 1 << exponent.ilog2();
    let low = masked_power(builder, mask, node, exponent - high);
    let high = power(builder, node, high);
    builder.multiply(low, high)
}
