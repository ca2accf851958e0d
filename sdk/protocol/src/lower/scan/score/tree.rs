//! The value of a tree's leaf, in few products of little depth.
//!
//! A split with mask m over values L and R is `R + m (L - R)`; what one column decides alone takes no
//! product. A higher tree is cut: the rows that come to each place of the cut are products of masks, and
//! each is multiplied with the value below it. So the depth is the logarithm of the height, and a tree of
//! four splits a path takes nine products.

use std::collections::BTreeMap;

use super::{Builder, CodeSet, ColumnId, Columns, Linear, Node};
use crate::query::ScoreNode;

/// A tree without the splits that those before it decide.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Leaf(i64),
    /// What one column decides: an integer for each of its codes.
    Column {
        column: ColumnId,
        values: Vec<i64>,
    },
    Split {
        column: ColumnId,
        codes: CodeSet,
        left: Box<Part>,
        right: Box<Part>,
    },
}

impl Part {
    /// Splits on the longest path that take products.
    fn height(&self) -> u32 {
        match self {
            Self::Leaf(_) | Self::Column { .. } => 0,
            Self::Split { left, right, .. } => 1 + left.height().max(right.height()),
        }
    }

    /// What it adds for a code of a column that decides it alone.
    fn at(&self, column: ColumnId, code: u32) -> Option<i64> {
        match self {
            Self::Leaf(value) => Some(*value),
            Self::Column { column: other, values } if *other == column => values.get(code as usize).copied(),
            Self::Column { .. } | Self::Split { .. } => None,
        }
    }
}

impl Columns<'_> {
    /// The value of the leaf that a row comes to.
    pub(super) fn tree(&mut self, nodes: &[ScoreNode]) -> Linear {
        let part = self.part(nodes, 0, &mut BTreeMap::new());
        self.value(&part)
    }

    /// The tree that begins at a node, for rows with `known` codes. As deep as a valid tree.
    fn part(&self, nodes: &[ScoreNode], at: usize, known: &mut BTreeMap<ColumnId, CodeSet>) -> Part {
        let (column, codes, next) = match nodes.get(at) {
            Some(ScoreNode::Split { column, codes, right }) => (*column, codes, *right as usize),
            Some(ScoreNode::Leaf(value)) => return Part::Leaf(*value),
            None => return Part::Leaf(0),
        };
        let size = self.schema.column(column).codes();
        let here = known.get(&column).cloned().unwrap_or_else(|| CodeSet::from_ranges(vec![(0, size)]));
        let (stay, go) = (here.intersection(codes), here.intersection(&codes.complement(size)));
        if go.is_empty() {
            return self.part(nodes, at + 1, known);
        }
        if stay.is_empty() {
            return self.part(nodes, next, known);
        }
        known.insert(column, stay);
        let left = self.part(nodes, at + 1, known);
        known.insert(column, go);
        let right = self.part(nodes, next, known);
        known.insert(column, here);
        if left == right {
            return left;
        }
        let alone = || -> Option<Vec<i64>> {
            let side = |code| if codes.contains(code) { &left } else { &right };
            (0..size).map(|code| side(code).at(column, code)).collect()
        };
        match self.single(column).and_then(|_| alone()) {
            Some(values) => Part::Column { column, values },
            None => {
                Part::Split { column, codes: codes.clone(), left: Box::new(left), right: Box::new(right) }
            }
        }
    }

    fn value(&mut self, part: &Part) -> Linear {
        match part {
            Part::Leaf(value) => return Linear::constant(*value),
            Part::Column { column, values } => return self.table(*column, values),
            Part::Split { .. } => {}
        }
        let height = part.height();
        // Cut so high that what is below is one level less deep than all.
        let below = (height + 1).next_power_of_two() / 2;
        let (mut places, mut parts) = (Vec::new(), Vec::new());
        self.cut(part, (height + 1 - below).max(1), None, (&mut places, &mut parts));
        let values: Vec<Linear> = parts.into_iter().map(|part| self.value(part)).collect();
        // Rows are in one of the places: one value is that of all, and the others are told from it.
        let usual = values.iter().position(Linear::is_constant).unwrap_or(values.len() - 1);
        let all = values[usual].clone();
        let mut sum = all.clone();
        for (at, (place, value)) in places.into_iter().zip(values).enumerate() {
            let more = value.minus(all.clone());
            if at == usual {
                continue;
            }
            if more.is_constant() {
                sum.add(place, more.constant);
                continue;
            }
            let (place, more) = (place.node(self.builder), more.node(self.builder));
            sum.add(Linear::of(self.builder.multiply(place, more)), 1);
        }
        sum
    }

    /// The rows that come to each place after so many splits, and what is there.
    fn cut<'p>(
        &mut self,
        part: &'p Part,
        splits: u32,
        rows: Option<Linear>,
        found: (&mut Vec<Linear>, &mut Vec<&'p Part>),
    ) {
        let (places, parts) = found;
        let Part::Split { column, codes, left, right } = part else {
            places.push(rows.unwrap_or_else(|| Linear::constant(1)));
            parts.push(part);
            return;
        };
        if splits == 0 {
            places.push(rows.unwrap_or_else(|| Linear::constant(1)));
            parts.push(part);
            return;
        }
        // The upper half of the splits to each place first, then, in each, the lower half.
        let upper = splits / 2;
        if upper > 0 {
            let (mut middles, mut belows) = (Vec::new(), Vec::new());
            self.cut(part, upper, rows, (&mut middles, &mut belows));
            for (middle, below) in middles.into_iter().zip(belows) {
                let (mut ends, mut rest) = (Vec::new(), Vec::new());
                self.cut(below, splits - upper, None, (&mut ends, &mut rest));
                self.both(&middle, ends, places);
                parts.extend(rest);
            }
            return;
        }
        let mask = self.mask(*column, codes);
        let here = Linear::of(mask);
        let others = Linear::constant(1).minus(here.clone());
        let mut ends = vec![here, others];
        match rows {
            None => places.append(&mut ends),
            Some(rows) => self.both(&rows, ends, places),
        }
        parts.extend([left.as_ref(), right.as_ref()]);
    }

    /// The rows of `rows` that are in each of some sets, one of which has each of them.
    fn both(&mut self, rows: &Linear, mut sets: Vec<Linear>, places: &mut Vec<Linear>) {
        let Some(_) = sets.pop() else { return };
        let mut rest = rows.clone();
        for set in sets {
            let product = product(self.builder, rows, set);
            rest = rest.minus(product.clone());
            places.push(product);
        }
        places.push(rest);
    }
}

fn product(builder: &mut Builder, one: &Linear, other: Linear) -> Linear {
    if one.is_constant() || other.is_constant() {
        let (mut product, (constant, rest)) = (
            Linear::default(),
            if one.is_constant() { (one.constant, other) } else { (other.constant, one.clone()) },
        );
        product.add(rest, constant);
        return product;
    }
    let (one, other): (Node, Node) = (one.clone().node(builder), other.node(builder));
    Linear::of(builder.multiply(one, other))
}
