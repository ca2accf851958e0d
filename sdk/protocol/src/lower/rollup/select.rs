//! Which cells of a cuboid each group adds up.

use std::collections::BTreeMap;

use crate::{
    layout::Cuboid,
    predicate::{CodeSet, Predicate},
    query::{GroupKey, Query},
    schema::{ColumnId, Schema},
};

/// Walks the cells of a cuboid in address order, block by block: a block that the predicate decides
/// already is taken or skipped as a whole, and below the last grouped dimension, blocks that the
/// predicate cannot tell apart are walked once.
pub(super) struct Selector {
    condition: Condition,
    /// Codes of each dimension of the cuboid.
    sizes: Vec<u32>,
    /// Cells of a block below each dimension.
    strides: Vec<u64>,
    /// What each code of each dimension adds to the group number, `None` where it is in no group;
    /// empty for a dimension that is not grouped by.
    group_parts: Vec<Vec<Option<usize>>>,
    /// From this dimension on, none is grouped.
    groups_end: usize,
    /// The dimensions before that which the predicate looks at.
    looked_at: Vec<usize>,
    codes: Vec<u32>,
    /// The ranges of a block below the groups, counted from its start, by the codes looked at.
    blocks: BTreeMap<Vec<u32>, Vec<(u64, u64)>>,
    selections: Vec<Vec<(u64, u64)>>,
}

/// The selected ranges of every group, for the rows that satisfy `when`; every column of `when` and of
/// the groups is a dimension of the cuboid.
pub(super) fn select(
    schema: &Schema,
    query: &Query,
    cuboid: &Cuboid,
    when: &Predicate,
) -> Vec<Vec<(u64, u64)>> {
    // Keys over several columns cannot be read off one dimension: their classes are conditions.
    let several: Vec<usize> =
        (0..query.groups.len()).filter(|key| of_one(&query.groups[*key]).is_none()).collect();
    if several.is_empty() {
        return Selector::new(schema, query, cuboid, when).run();
    }
    let size = |key: usize| query.groups[key].size(schema);
    let mut selections = vec![Vec::new(); usize::try_from(query.group_count(schema)).unwrap_or(0)];
    for mut combination in 0..several.iter().map(|key| size(*key)).product() {
        let mut classes = BTreeMap::new();
        for key in several.iter().rev() {
            classes.insert(*key, u32::try_from(combination % size(*key)).unwrap_or(u32::MAX));
            combination /= size(*key);
        }
        let mut parts = vec![when.clone()];
        parts.extend(classes.iter().map(|(key, class)| query.groups[*key].rows(schema, *class)));
        let rows = Predicate::and(schema, parts);
        let found = Selector::new(schema, query, cuboid, &rows).run();
        // The selector leaves these keys at their first class.
        for (group, ranges) in found.into_iter().enumerate().filter(|(_, ranges)| !ranges.is_empty()) {
            let mut key = query.group_key(schema, group as u64);
            classes.iter().for_each(|(position, class)| key[*position] = *class);
            let group =
                (0..key.len()).fold(0, |index, position| index * size(position) + u64::from(key[position]));
            selections[usize::try_from(group).unwrap_or(usize::MAX)] = ranges;
        }
    }
    selections
}

/// The column of a key that looks at only one.
fn of_one(key: &GroupKey) -> Option<ColumnId> {
    match key.columns()[..] {
        [column] => Some(column),
        _ => None,
    }
}

impl Selector {
    fn new(schema: &Schema, query: &Query, cuboid: &Cuboid, when: &Predicate) -> Self {
        let sizes: Vec<u32> = cuboid.dimensions.iter().map(|id| schema.column(*id).codes()).collect();
        let mut strides = vec![1u64; sizes.len()];
        for position in (1..sizes.len()).rev() {
            strides[position - 1] = strides[position] * u64::from(sizes[position]);
        }
        let mut group_parts: Vec<Vec<Option<usize>>> = vec![Vec::new(); sizes.len()];
        let mut stride = 1usize;
        for key in query.groups.iter().rev() {
            if let Some(position) = of_one(key).and_then(|id| cuboid.dimensions.binary_search(&id).ok()) {
                let parts = &mut group_parts[position];
                if parts.is_empty() {
                    parts.resize(sizes[position] as usize, Some(0));
                }
                for (code, part) in (0..).zip(parts) {
                    let class = key.class_of(&|_| code);
                    *part = part.zip(class).map(|(part, class)| part + class as usize * stride);
                }
            }
            stride *= usize::try_from(key.size(schema)).unwrap_or(usize::MAX);
        }
        let groups_end = group_parts.iter().rposition(|parts| !parts.is_empty()).map_or(0, |last| last + 1);
        let columns = when.columns();
        let looked_at = |position: &usize| columns.contains(&cuboid.dimensions[*position]);
        Self {
            condition: Condition::new(when, &cuboid.dimensions, &sizes),
            groups_end,
            looked_at: (0..groups_end).filter(looked_at).collect(),
            blocks: BTreeMap::new(),
            codes: Vec::with_capacity(sizes.len()),
            selections: vec![Vec::new(); stride],
            sizes,
            strides,
            group_parts,
        }
    }

    fn run(mut self) -> Vec<Vec<(u64, u64)>> {
        self.visit(0, 0);
        self.selections
    }

    /// Selects within the block at `first`, which the current codes lead to.
    fn visit(&mut self, first: u64, group: usize) {
        let depth = self.codes.len();
        if depth < self.groups_end {
            if self.condition.decide(&self.codes) == Some(false) {
                return;
            }
            for code in 0..self.sizes[depth] {
                let part = self.group_parts[depth].get(code as usize).copied().unwrap_or(Some(0));
                let Some(part) = part else { continue };
                self.codes.push(code);
                self.visit(first + u64::from(code) * self.strides[depth], group + part);
                self.codes.pop();
            }
            return;
        }
        let key: Vec<u32> = self.looked_at.iter().map(|position| self.codes[*position]).collect();
        if !self.blocks.contains_key(&key) {
            let mut ranges = Vec::new();
            self.walk(0, &mut ranges);
            self.blocks.insert(key.clone(), ranges);
        }
        for (low, high) in &self.blocks[&key] {
            append(&mut self.selections[group], first + low, first + high);
        }
    }

    /// Appends the selected ranges of a block that is not grouped further.
    fn walk(&mut self, first: u64, ranges: &mut Vec<(u64, u64)>) {
        let depth = self.codes.len();
        match self.condition.decide(&self.codes) {
            Some(false) => {}
            Some(true) => {
                let cells = self.sizes[depth..].iter().map(|size| u64::from(*size)).product::<u64>();
                append(ranges, first, first + cells);
            }
            None => {
                for code in 0..self.sizes[depth] {
                    self.codes.push(code);
                    self.walk(first + u64::from(code) * self.strides[depth], ranges);
                    self.codes.pop();
                }
            }
        }
    }
}

fn append(ranges: &mut Vec<(u64, u64)>, low: u64, high: u64) {
    match ranges.last_mut() {
        Some(last) if last.1 == low => last.1 = high,
        _ => ranges.push((low, high)),
    }
}

/// A predicate with its sets of codes spread out into tables.
enum Condition {
    Constant(bool),
    Atom { position: usize, table: Vec<bool> },
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

impl Condition {
    fn new(predicate: &Predicate, dimensions: &[ColumnId], sizes: &[u32]) -> Self {
        let inner = |parts: &[Predicate]| parts.iter().map(|p| Self::new(p, dimensions, sizes)).collect();
        match predicate {
            Predicate::All => Self::Constant(true),
            Predicate::Nothing => Self::Constant(false),
            // The cuboid was chosen to have every column of the predicate.
            Predicate::In { column, codes } => {
                dimensions.binary_search(column).map_or(Self::Constant(false), |position| Self::Atom {
                    position,
                    table: table(codes, sizes[position]),
                })
            }
            Predicate::And(parts) => Self::And(inner(parts)),
            Predicate::Or(parts) => Self::Or(inner(parts)),
        }
    }

    /// Whether it holds once the first dimensions have these codes, if that is decided already.
    fn decide(&self, codes: &[u32]) -> Option<bool> {
        match self {
            Self::Constant(holds) => Some(*holds),
            Self::Atom { position, table } => codes.get(*position).map(|code| table[*code as usize]),
            Self::And(parts) => junction(parts, codes, false),
            Self::Or(parts) => junction(parts, codes, true),
        }
    }
}

/// And (`absorbing` false) or Or (`absorbing` true) of what is known of the parts.
fn junction(parts: &[Condition], codes: &[u32], absorbing: bool) -> Option<bool> {
    let mut known = true;
    for part in parts {
        match part.decide(codes) {
            Some(value) if value == absorbing => return Some(absorbing),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!absorbing)
}

fn table(codes: &CodeSet, size: u32) -> Vec<bool> {
    let mut table = vec![false; size as usize];
    for (low, high) in codes.ranges() {
        table[*low as usize..(*high).min(size) as usize].fill(true);
    }
    table
}
