//! The masks and outputs of all groups of a query.

use std::collections::BTreeMap;

use super::{
    arrange::{self, Family, MAX_FAMILIES, Order, Tree},
    atoms,
    builder::{Builder, Node},
    conditions::Conditions,
    summand, within_group,
};
use crate::{
    layout::{ScanLayout, Slice},
    predicate::Predicate,
    program::{OutputValue, ScanProgram},
    query::{Query, Term},
    schema::{ColumnId, Schema},
};

/// The rows of a group.
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

/// Compiles the outputs of all groups, in order.
pub(super) fn compile(
    schema: &Schema,
    layout: &ScanLayout,
    query: &Query,
    values: &[OutputValue],
    slack: u32,
) -> ScanProgram {
    let mut groups = Groups {
        schema,
        layout,
        query,
        slack,
        builder: Builder::default(),
        conditions: BTreeMap::new(),
        orders: BTreeMap::new(),
    };
    let mut outputs = Vec::new();
    for index in 0..query.group_count(schema) {
        let key: BTreeMap<ColumnId, u32> =
            query.groups.iter().copied().zip(query.group_key(schema, index)).collect();
        let selection = groups.selection(&key);
        for value in values {
            outputs.push(groups.output(&selection, &key, *value));
        }
    }
    let line = groups.builder.finish(&outputs);
    ScanProgram {
        parameter_set: layout.parameter_set,
        slices: line.slices,
        steps: line.steps,
        outputs: line.outputs,
        values: values.to_vec(),
        limb_bits: layout.limb_bits,
    }
}

struct Groups<'a> {
    schema: &'a Schema,
    layout: &'a ScanLayout,
    query: &'a Query,
    slack: u32,
    builder: Builder,
    /// The predicate's masks, by the codes of the grouped dimensions that it looks at.
    conditions: BTreeMap<Vec<u32>, Option<Vec<Node>>>,
    /// Orders of multiplication found so far.
    orders: BTreeMap<Vec<Family>, Order>,
}

impl Groups<'_> {
    fn selection(&mut self, key: &BTreeMap<ColumnId, u32>) -> Selection {
        let Some(conditions) = self.conditions(key) else { return Selection::Nothing };
        let (mut masks, mut sizes) = self.key_masks(key);
        // One place is kept for the slice that is summed.
        let conditions = self.builder.shrink(conditions, MAX_FAMILIES - 1 - masks.len());
        sizes.extend(conditions.iter().map(|_| 1));
        masks.extend(conditions);
        if masks.is_empty() {
            return Selection::Everything;
        }
        let depth = |mask: &Node| self.builder.depth(*mask);
        let families =
            masks.iter().zip(sizes).map(|(mask, size)| Family { depth: depth(mask), size }).collect();
        Selection::All(Factors { masks, families })
    }

    /// The product of all factors, and the least depth it could have had.
    fn product(&mut self, factors: &Factors) -> (Node, u32) {
        let slack = self.slack;
        let order = self
            .orders
            .entry(factors.families.clone())
            .or_insert_with_key(|families| arrange::arrange(families, slack));
        (multiply(&mut self.builder, &order.tree, &factors.masks), order.shallowest)
    }

    /// The product of all factors and a slice. By way of the mask that the row count needs anyway,
    /// unless that is too deep: then the slice is multiplied with some of the factors first.
    fn product_with(&mut self, factors: &Factors, slice: Slice) -> Node {
        let slice = self.builder.load(slice);
        let mut with_slice = factors.clone();
        with_slice.masks.push(slice);
        with_slice.families.push(Family { depth: 0, size: 1 });
        let (product, shallowest) = self.product(&with_slice);
        let (mask, _) = self.product(factors);
        if self.builder.depth(mask) < shallowest + self.slack {
            return self.builder.multiply(mask, slice);
        }
        product
    }

    /// The masks of the predicate among the rows of a group; `None` when it selects none.
    fn conditions(&mut self, key: &BTreeMap<ColumnId, u32>) -> Option<Vec<Node>> {
        let looked_at = self.query.predicate.columns();
        let codes = looked_at.iter().filter_map(|column| key.get(column).copied()).collect();
        if let Some(known) = self.conditions.get(&codes) {
            return known.clone();
        }
        let predicate = within_group(self.schema, &self.query.predicate, key);
        let masks = Conditions { builder: &mut self.builder, schema: self.schema, layout: self.layout }
            .masks(&predicate, false);
        self.conditions.insert(codes, masks.clone());
        masks
    }

    /// The masks of the group's own codes, and how many different ones each has over all groups. One
    /// a digit; one a dimension if there would be too many.
    fn key_masks(&mut self, key: &BTreeMap<ColumnId, u32>) -> (Vec<Node>, Vec<u64>) {
        let mut per_dimension = Vec::new();
        for column in &self.query.groups {
            let codes = u64::from(self.schema.column(*column).codes());
            let Some(digits) = self.layout.digits_of(*column).filter(|_| codes > 1) else { continue };
            let masks = atoms::equal(&mut self.builder, digits, key[column]);
            let bases = digits.bases.iter().filter(|base| **base > 1).map(|base| u64::from(*base));
            per_dimension.push((codes, masks, bases.collect::<Vec<_>>()));
        }
        let digits: usize = per_dimension.iter().map(|(_, masks, _)| masks.len()).sum();
        let (mut masks, mut sizes) = (Vec::new(), Vec::new());
        for (codes, of_dimension, bases) in per_dimension {
            if digits + 2 <= MAX_FAMILIES {
                masks.extend(of_dimension);
                sizes.extend(bases);
            } else {
                masks.push(self.builder.conjunction(of_dimension));
                sizes.push(codes);
            }
        }
        (masks, sizes)
    }

    /// What is summed over the slots for one value of a group.
    fn output(&mut self, selection: &Selection, key: &BTreeMap<ColumnId, u32>, value: OutputValue) -> Node {
        match value.term {
            Term::Present(column) | Term::Sum(column) if self.only_null(column, key) => {
                return self.builder.nothing();
            }
            _ => {}
        }
        let summand = match value.term {
            Term::Present(column) if self.never_null(column, key) => None,
            _ => summand(value),
        };
        match (selection, summand) {
            (Selection::Nothing, _) => self.builder.nothing(),
            (Selection::Everything, None) => self.builder.exists(),
            (Selection::Everything, Some(slice)) => self.builder.load(slice),
            (Selection::All(factors), None) => self.product(factors).0,
            (Selection::All(factors), Some(slice)) => self.product_with(factors, slice),
        }
    }

    fn only_null(&self, column: ColumnId, key: &BTreeMap<ColumnId, u32>) -> bool {
        self.null_code(column).is_some_and(|null| self.implied(column, key, |code| code == null))
    }

    fn never_null(&self, column: ColumnId, key: &BTreeMap<ColumnId, u32>) -> bool {
        self.null_code(column).is_some_and(|null| self.implied(column, key, |code| code != null))
    }

    fn null_code(&self, column: ColumnId) -> Option<u32> {
        self.schema.column(column).null_code()
    }

    /// Whether all rows of a group plainly have codes of `column` that `test` accepts.
    fn implied(
        &self,
        column: ColumnId,
        key: &BTreeMap<ColumnId, u32>,
        test: impl Fn(u32) -> bool + Copy,
    ) -> bool {
        if let Some(code) = key.get(&column) {
            return test(*code);
        }
        let all = |part: &Predicate| match part {
            Predicate::In { column: looked_at, codes } => *looked_at == column && codes.codes().all(test),
            _ => false,
        };
        match &self.query.predicate {
            Predicate::And(parts) => parts.iter().any(all),
            atom => all(atom),
        }
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
