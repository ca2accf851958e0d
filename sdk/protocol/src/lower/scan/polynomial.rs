//! The nodes of polynomials in measures. A measure is its value slices, with the public offset added
//! where it has a value, so it is 0 in padding and where it is null.

use super::{
    builder::{Builder, Node},
    summand,
};
use crate::{
    layout::{ScanLayout, Slice},
    query::Monomial,
    schema::{ColumnId, Schema},
};

/// The part of a polynomial whose limbs have places that add up to `place`.
pub(super) fn node(
    builder: &mut Builder,
    schema: &Schema,
    layout: &ScanLayout,
    monomials: &[Monomial],
    place: u8,
) -> Node {
    let mut terms = Vec::new();
    for monomial in monomials {
        let mut parts: Option<Vec<Option<Node>>> = None;
        for column in &monomial.columns {
            let limbs = limbs(builder, schema, layout, *column);
            parts = Some(match parts {
                None => limbs.into_iter().map(Some).collect(),
                Some(parts) => convolve(builder, &parts, &limbs),
            });
        }
        let part = parts.and_then(|parts| parts.get(usize::from(place)).copied().flatten());
        terms.extend(part.map(|node| (node, monomial.coefficient)));
    }
    builder.combine(terms)
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
