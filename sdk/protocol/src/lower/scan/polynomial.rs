//! The nodes of polynomials in measures. A measure is its value slices, with the public offset added
//! where it has a value, so it is 0 in padding and where it is null.
//!
//! Where a condition on a factor is known and its codes decide its values, `[x in S] x` is a sum of
//! slices, each times its value: the condition costs no product.

use super::{
    builder::{Builder, Node},
    summand,
};
use crate::{
    layout::{Grain, ScanLayout, Slice},
    predicate::{CodeSet, Predicate},
    query::Monomial,
    schema::{ColumnId, Schema},
};

/// The most slices that are read to save a product.
const MAX_ABSORBED: u32 = 64;

/// A condition on a column that a polynomial takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Absorbed {
    column: ColumnId,
    codes: CodeSet,
}

/// Takes a condition on a factor of all monomials out of `rows`, if there is one that costs nothing in
/// the polynomial.
pub(super) fn absorb(
    schema: &Schema,
    layout: &ScanLayout,
    monomials: &[Monomial],
    rows: &Predicate,
) -> Option<(Absorbed, Predicate)> {
    let parts = match rows {
        Predicate::And(parts) => parts.as_slice(),
        atom => std::slice::from_ref(atom),
    };
    let absorbed = parts.iter().position(|part| match part {
        Predicate::In { column, codes } => {
            codes.len() <= MAX_ABSORBED
                && monomials.iter().all(|monomial| monomial.columns.contains(column))
                && layout
                    .digits_of(*column)
                    .is_some_and(|digits| digits.bases.len() == 1 && digits.blocks.is_none())
                && layout.measures.iter().any(|m| m.column == *column && m.limbs == 1)
                && schema.column(*column).values_of_codes().is_some()
        }
        _ => false,
    })?;
    let mut rest = parts.to_vec();
    match rest.remove(absorbed) {
        Predicate::In { column, codes } => Some((Absorbed { column, codes }, Predicate::and(schema, rest))),
        _ => None,
    }
}

/// The part of a polynomial whose limbs have places that add up to `place`.
pub(super) fn node(
    builder: &mut Builder,
    schema: &Schema,
    layout: &ScanLayout,
    (monomials, place): (&[Monomial], u8),
    absorbed: Option<&Absorbed>,
) -> Node {
    let mut terms = Vec::new();
    for monomial in monomials {
        let mut parts: Option<Vec<Option<Node>>> = None;
        // The condition is needed once, however often its column is a factor.
        let mut absorbed = absorbed;
        for column in &monomial.columns {
            let limbs = match absorbed.filter(|absorbed| absorbed.column == *column) {
                Some(condition) => {
                    absorbed = None;
                    vec![selected(builder, schema, condition)]
                }
                None => limbs(builder, schema, layout, *column),
            };
            parts = Some(match parts {
                None => limbs.into_iter().map(Some).collect(),
                Some(parts) => convolve(builder, &parts, &limbs),
            });
        }
        let part = parts.and_then(|parts| parts.get(usize::from(place)).copied().flatten());
        terms.extend(part.map(|node| (node, monomial.coefficient)));
    }
    if terms.is_empty() { builder.nothing() } else { builder.combine(terms) }
}

/// The part of a product of encoded values whose limbs have places that add up to `place`.
pub(super) fn product(builder: &mut Builder, layout: &ScanLayout, columns: &[ColumnId], place: u8) -> Node {
    let mut parts: Option<Vec<Option<Node>>> = None;
    for column in columns {
        let Some(limbs) = layout.limbs_of(*column, Grain::Products) else { continue };
        let slice = |limb| match limbs.narrow {
            true => Slice::Factor { column: *column, limb },
            false => Slice::Value { column: *column, limb },
        };
        let limbs: Vec<Node> = (0..limbs.count).map(|limb| builder.load(slice(limb))).collect();
        parts = Some(match parts {
            None => limbs.into_iter().map(Some).collect(),
            Some(parts) => convolve(builder, &parts, &limbs),
        });
    }
    let part = parts.and_then(|parts| parts.get(usize::from(place)).copied().flatten());
    part.unwrap_or_else(|| builder.nothing())
}

/// The value of a column where its code is in a set, else 0: from one code to the next it changes by a
/// step, and a slice says from which code on.
fn selected(builder: &mut Builder, schema: &Schema, condition: &Absorbed) -> Node {
    let values = schema.column(condition.column).values_of_codes().unwrap_or_default();
    let mut terms = Vec::new();
    let mut before = 0;
    for (code, value) in (0..schema.column(condition.column).codes()).zip(values.into_iter().chain([0])) {
        let value = if condition.codes.contains(code) { value } else { 0 };
        if value != before {
            let slice = match code {
                0 => builder.exists(),
                code => builder.load(Slice::AtLeast { column: condition.column, digit: 0, value: code }),
            };
            terms.push((slice, value - before));
            before = value;
        }
    }
    if terms.is_empty() { builder.nothing() } else { builder.combine(terms) }
}

/// The value of a measure, limb by limb.
fn limbs(builder: &mut Builder, schema: &Schema, layout: &ScanLayout, column: ColumnId) -> Vec<Node> {
    let count = layout.measures.iter().find(|m| m.column == column).map_or(1, |m| m.limbs.max(1));
    let mut limbs: Vec<Node> = (0..count).map(|limb| builder.load(Slice::Value { column, limb })).collect();
    let offset = summand::min(schema, column);
    if offset != 0 {
        let rows = if schema.column(column).nullable {
            builder.load(Slice::Present(column))
        } else {
            builder.exists()
        };
        limbs[0] = builder.combine(vec![(limbs[0], 1), (rows, offset)]);
    }
    limbs
}

/// The products of two lists of limbs, by the place of their product.
fn convolve(builder: &mut Builder, parts: &[Option<Node>], limbs: &[Node]) -> Vec<Option<Node>> {
    let mut products: Vec<Vec<Node>> = vec![Vec::new(); parts.len() + limbs.len() - 1];
    for (i, part) in parts.iter().enumerate() {
        for (j, limb) in limbs.iter().enumerate() {
            if let Some(part) = part {
                products[i + j].push(builder.multiply(*part, *limb));
            }
        }
    }
    products.into_iter().map(|nodes| (!nodes.is_empty()).then(|| builder.sum(nodes))).collect()
}
