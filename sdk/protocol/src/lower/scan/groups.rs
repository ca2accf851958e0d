//! The masks and outputs of all groups of a query.

mod scored;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    arrange::{self, Family, MAX_FAMILIES, Order, Tree},
    atoms,
    builder::{Builder, Node},
    conditions::Conditions,
    polynomial,
    score::Side,
    summand::Summand,
    within_group,
};
use crate::{
    layout::{ScanLayout, Slice},
    lower::pieces::{Piece, Pieces},
    predicate::{CodeSet, Predicate},
    program::ScanProgram,
    query::{GroupKey, Query, Score},
    schema::{ColumnId, Schema},
};

/// How deep products of masks may be to save multiplications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Depth {
    /// How much deeper than necessary.
    pub(super) slack: u32,
    /// Whether the conditions of a class are factors like any other, so that no group shares their product.
    pub(super) apart: bool,
}

/// The rows that one output sums.
#[derive(Debug, Clone)]
enum Selection {
    Everything,
    Nothing,
    /// Where all of these masks are 1.
    All(Factors),
}

/// Masks to be multiplied.
#[derive(Debug, Clone)]
struct Factors {
    masks: Vec<Node>,
    families: Vec<Family>,
}

/// One group: its classes, and the codes that these leave its columns.
struct Group {
    classes: Vec<u32>,
    known: BTreeMap<ColumnId, CodeSet>,
}

/// Compiles the outputs of all groups, in order.
pub(super) fn compile(
    schema: &Schema,
    layout: &ScanLayout,
    query: &Query,
    pieces: &Pieces<Summand>,
    depth: Depth,
) -> ScanProgram {
    let distinct = |count: usize| u64::try_from(count).unwrap_or(u64::MAX).max(2);
    let mut conditions: Vec<&Predicate> = pieces.pieces.iter().map(|piece| &piece.when).collect();
    conditions.sort_unstable();
    conditions.dedup();
    let values = pieces.pieces.iter().filter(|piece| piece.summand != Summand::One).count();
    let mut groups = Groups {
        schema,
        layout,
        query,
        depth,
        conditions: distinct(conditions.len()),
        values: distinct(values),
        builder: Builder::default(),
        orders: BTreeMap::new(),
        levels: Vec::new(),
        sides: Vec::new(),
    };
    let mut outputs = Vec::new();
    for index in 0..query.group_count(schema) {
        let group = groups.group(index);
        for piece in &pieces.pieces {
            outputs.push(groups.output(&group, piece));
        }
    }
    let line = groups.builder.finish(&outputs);
    ScanProgram {
        parameter_set: layout.parameter_set,
        slices: line.slices,
        steps: line.steps,
        outputs: line.outputs,
        recipes: pieces.recipes.clone(),
    }
}

struct Groups<'a> {
    schema: &'a Schema,
    layout: &'a ScanLayout,
    query: &'a Query,
    depth: Depth,
    /// How many different conditions the pieces have, and how many are not mere counts: products that
    /// hold none of these are shared.
    conditions: u64,
    values: u64,
    builder: Builder,
    /// Orders of multiplication found so far.
    orders: BTreeMap<Vec<Family>, Order>,
    /// Scores compiled so far.
    levels: Vec<(Arc<Score>, Option<Node>)>,
    /// Differences of scores compiled so far, and where they are positive.
    sides: Vec<(Score, Side)>,
}

impl Groups<'_> {
    fn group(&self, index: u64) -> Group {
        let classes = self.query.group_key(self.schema, index);
        let mut known: BTreeMap<ColumnId, CodeSet> = BTreeMap::new();
        for (key, class) in self.query.groups.iter().zip(&classes) {
            let rows = match key.rows(self.schema, *class) {
                Predicate::And(parts) => parts,
                part => vec![part],
            };
            for part in rows {
                let Predicate::In { column, codes } = part else { continue };
                let codes = match known.get(&column) {
                    Some(other) => other.intersection(&codes),
                    None => codes,
                };
                known.insert(column, codes);
            }
        }
        Group { classes, known }
    }

    /// What is summed over the slots for one piece of a group.
    fn output(&mut self, group: &Group, piece: &Piece<Summand>) -> Node {
        let mut rows = within_group(self.schema, &self.query.predicate, &group.known);
        let shared = self.masks(&rows).unwrap_or_default();
        rows = Predicate::and(self.schema, vec![rows, within_group(self.schema, &piece.when, &group.known)]);
        let summand = match &piece.summand {
            Summand::One => None,
            Summand::Limb { column, limb } => {
                Some(self.builder.load(Slice::Value { column: *column, limb: *limb }))
            }
            Summand::Polynomial { monomials, place } => {
                let mut absorbed = None;
                if let Some((condition, rest)) =
                    polynomial::absorb(self.schema, self.layout, monomials, &rows)
                {
                    (absorbed, rows) = (Some(condition), rest);
                }
                let part = (monomials.as_slice(), *place);
                let absorbed = absorbed.as_ref();
                Some(polynomial::node(&mut self.builder, self.schema, self.layout, part, absorbed))
            }
            Summand::Product { columns, place } => {
                Some(polynomial::product(&mut self.builder, self.layout, columns, *place))
            }
            Summand::Power { exponent, score } => {
                let selection = self.selection(group, &rows, &shared);
                return self.power(&selection, score, *exponent);
            }
        };
        match (self.selection(group, &rows, &shared), summand) {
            (Selection::Nothing, _) => self.builder.nothing(),
            (Selection::Everything, None) => self.builder.exists(),
            (Selection::Everything, Some(value)) => value,
            (Selection::All(factors), None) => self.product(&factors).0,
            (Selection::All(factors), Some(value)) => self.product_with(&factors, value),
        }
    }

    /// The rows of a group for which `rows` holds; `shared` are the masks that all pieces have.
    fn selection(&mut self, group: &Group, rows: &Predicate, shared: &[Node]) -> Selection {
        let Some(conditions) = self.masks(rows) else { return Selection::Nothing };
        let Some((mut masks, mut sizes)) = self.group_masks(group) else { return Selection::Nothing };
        // One place is kept for what is summed.
        let conditions = self.builder.shrink(conditions, MAX_FAMILIES - 1 - masks.len());
        let of_piece = |mask: &Node| if shared.contains(mask) { 1 } else { self.conditions };
        sizes.extend(conditions.iter().map(of_piece));
        masks.extend(conditions);
        if masks.is_empty() {
            return Selection::Everything;
        }
        let depth = |mask: &Node| self.builder.depth(*mask);
        let families =
            masks.iter().zip(sizes).map(|(mask, size)| Family { depth: depth(mask), size }).collect();
        Selection::All(Factors { masks, families })
    }

    fn masks(&mut self, predicate: &Predicate) -> Option<Vec<Node>> {
        Conditions { builder: &mut self.builder, schema: self.schema, layout: self.layout }
            .masks(predicate, false)
    }

    /// The product of all factors, and the least depth it could have had.
    fn product(&mut self, factors: &Factors) -> (Node, u32) {
        let slack = self.depth.slack;
        let order = self
            .orders
            .entry(factors.families.clone())
            .or_insert_with_key(|families| arrange::arrange(families, slack));
        (multiply(&mut self.builder, &order.tree, &factors.masks), order.shallowest)
    }

    /// The product of all factors and a value. By way of the mask that the row count needs anyway,
    /// unless that is too deep: then the value is multiplied with some of the factors first.
    fn product_with(&mut self, factors: &Factors, value: Node) -> Node {
        let mut with_value = factors.clone();
        with_value.masks.push(value);
        with_value.families.push(Family { depth: self.builder.depth(value), size: self.values });
        let (product, shallowest) = self.product(&with_value);
        let (mask, _) = self.product(factors);
        if self.builder.depth(mask).max(self.builder.depth(value)) < shallowest + self.depth.slack {
            return self.builder.multiply(mask, value);
        }
        product
    }

    /// The masks of the group's own classes, and how many different ones each has over all groups. One
    /// a digit; one a key if there would be too many. `None` when no row is in the group.
    fn group_masks(&mut self, group: &Group) -> Option<(Vec<Node>, Vec<u64>)> {
        let mut per_key = Vec::new();
        for (key, class) in self.query.groups.iter().zip(&group.classes) {
            let classes = key.size(self.schema);
            match key {
                GroupKey::Codes(column) => {
                    let Some(digits) = self.layout.digits_of(*column).filter(|_| classes > 1) else {
                        continue;
                    };
                    let masks = atoms::equal(&mut self.builder, digits, *class);
                    let bases = digits.bases.iter().filter(|base| **base > 1).map(|base| u64::from(*base));
                    per_key.push((classes, masks, bases.collect::<Vec<_>>()));
                }
                GroupKey::Classes { .. } => {
                    let rows = key.rows(self.schema, *class);
                    let masks = self.masks(&rows)?;
                    if self.depth.apart && masks.len() > 1 {
                        let sizes = vec![classes; masks.len()];
                        per_key.push((classes, masks, sizes));
                    } else if !masks.is_empty() {
                        let mask = self.builder.conjunction(masks);
                        per_key.push((classes, vec![mask], vec![classes]));
                    }
                }
                GroupKey::Largest { scores, .. } => {
                    let masks = self.largest(scores, *class as usize)?;
                    let sizes = vec![classes; masks.len()];
                    per_key.push((classes, masks, sizes));
                }
            }
        }
        let factors: usize = per_key.iter().map(|(_, masks, _)| masks.len()).sum();
        let (mut masks, mut sizes) = (Vec::new(), Vec::new());
        for (classes, of_key, bases) in per_key {
            if factors + 2 <= MAX_FAMILIES {
                masks.extend(of_key);
                sizes.extend(bases);
            } else {
                masks.push(self.builder.conjunction(of_key));
                sizes.push(classes);
            }
        }
        Some((masks, sizes))
    }
}

fn multiply(builder: &mut Builder, order: &Tree, masks: &[Node]) -> Node {
    match order {
        Tree::Leaf(position) => masks[*position],
        Tree::Product(one, other) => {
            let one = multiply(builder, one, masks);
            let other = multiply(builder, other, masks);
            if one == other { one } else { builder.multiply(one, other) }
        }
    }
}
