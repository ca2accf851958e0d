//! Lowering to layout `rollup`: the cells of one cuboid that each group adds up.

use std::collections::BTreeMap;

use crate::{
    bounds::{self, BoundError},
    layout::{CellArray, Cuboid, LayoutKind, RollupLayout},
    lower::LowerError,
    manifest::Manifest,
    parameters::ROLLUP_V1,
    predicate::{CodeSet, Predicate},
    program::{ProgramArray, RollupProgram},
    query::{Query, Term},
    schema::{ColumnId, Schema},
};

/// Compiles a query that is valid over the manifest's schema.
///
/// # Errors
/// When no cuboid has all its dimensions, a term is not stored, or a bound is exceeded.
pub fn lower(manifest: &Manifest, query: &Query) -> Result<RollupProgram, LowerError> {
    let schema = &manifest.schema;
    let layout = manifest.rollup.as_ref().ok_or(LowerError::NoLayout(LayoutKind::Rollup))?;
    let dimensions = query.dimensions();
    let (index, cuboid) = layout.cuboid_for(&dimensions).ok_or_else(|| LowerError::NoCuboid {
        dimensions: dimensions.iter().map(|id| schema.column(*id).name.clone()).collect(),
    })?;
    let mut arrays = Vec::new();
    for term in query.terms(schema) {
        let before = arrays.len();
        arrays.extend(arrays_of(layout, cuboid, term));
        if arrays.len() == before {
            return Err(LowerError::NotStored(super::describe(schema, term)));
        }
    }
    let selections = Selector::new(schema, query, cuboid).run();
    for selection in &selections {
        let selected: u64 = selection.iter().map(|(low, high)| high - low).sum();
        bounds::rollup_noise(selected)?;
        check_overflow(manifest, layout, selected, &arrays)?;
    }
    Ok(RollupProgram {
        parameter_set: layout.parameter_set,
        cuboid: u32::try_from(index).unwrap_or(u32::MAX),
        selections,
        arrays,
        limb_bits: layout.limb_bits,
    })
}

/// The arrays of all limbs of a term, by limb.
fn arrays_of(layout: &RollupLayout, cuboid: &Cuboid, term: Term) -> Vec<ProgramArray> {
    let mut arrays: Vec<_> = layout
        .arrays
        .iter()
        .enumerate()
        .filter(|(_, array)| array.term == term)
        .map(|(position, array)| ProgramArray { array: *array, first: layout.address(cuboid, position) })
        .collect();
    arrays.sort_by_key(|array| array.array.limb);
    arrays
}

/// No limb may exceed the value bits of a cell when `selected` cells are added.
fn check_overflow(
    manifest: &Manifest,
    layout: &RollupLayout,
    selected: u64,
    arrays: &[ProgramArray],
) -> Result<(), BoundError> {
    let limit = (1u64 << ROLLUP_V1.value_bits) - 1;
    for ProgramArray { array: CellArray { term, limb }, .. } in arrays {
        let total = bounds::total(&manifest.schema, manifest.rows, *term);
        let rest = total.checked_shr(u32::from(*limb) * u32::from(layout.limb_bits)).unwrap_or(0);
        let last = arrays.iter().all(|other| other.array.term != *term || other.array.limb <= *limb);
        // Cells without a row are zero.
        let filled = u128::from(selected.min(manifest.rows));
        let cut = filled * ((1u128 << layout.limb_bits) - 1);
        let largest = if last { rest } else { rest.min(cut) };
        if largest > u128::from(limit) {
            return Err(BoundError::Overflow { set: layout.parameter_set, largest, limit });
        }
    }
    Ok(())
}

/// Walks the cells of a cuboid in address order, block by block: a block that the predicate decides
/// already is taken or skipped as a whole, and below the last grouped dimension, blocks that the
/// predicate cannot tell apart are walked once.
struct Selector {
    condition: Condition,
    /// Codes of each dimension of the cuboid.
    sizes: Vec<u32>,
    /// Cells of a block below each dimension.
    strides: Vec<u64>,
    /// What one code of each dimension adds to the group number; 0 when it is not grouped.
    group_strides: Vec<usize>,
    /// From this dimension on, none is grouped.
    groups_end: usize,
    /// The dimensions before that which the predicate looks at.
    looked_at: Vec<usize>,
    codes: Vec<u32>,
    /// The ranges of a block below the groups, counted from its start, by the codes looked at.
    blocks: BTreeMap<Vec<u32>, Vec<(u64, u64)>>,
    selections: Vec<Vec<(u64, u64)>>,
}

impl Selector {
    fn new(schema: &Schema, query: &Query, cuboid: &Cuboid) -> Self {
        let size = |id: &ColumnId| schema.column(*id).codes();
        let sizes: Vec<u32> = cuboid.dimensions.iter().map(size).collect();
        let mut strides = vec![1u64; sizes.len()];
        for position in (1..sizes.len()).rev() {
            strides[position - 1] = strides[position] * u64::from(sizes[position]);
        }
        let mut group_strides = vec![0; sizes.len()];
        let mut groups = 1usize;
        for id in query.groups.iter().rev() {
            if let Ok(position) = cuboid.dimensions.binary_search(id) {
                group_strides[position] = groups;
            }
            groups *= size(id) as usize;
        }
        let grouped = |position: &usize| query.groups.contains(&cuboid.dimensions[*position]);
        let groups_end = (0..sizes.len()).rfind(grouped).map_or(0, |last| last + 1);
        let columns = query.predicate.columns();
        let looked_at = |position: &usize| columns.contains(&cuboid.dimensions[*position]);
        Self {
            condition: Condition::new(&query.predicate, &cuboid.dimensions, &sizes),
            groups_end,
            looked_at: (0..groups_end).filter(looked_at).collect(),
            blocks: BTreeMap::new(),
            codes: Vec::with_capacity(sizes.len()),
            selections: vec![Vec::new(); groups],
            sizes,
            strides,
            group_strides,
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
                self.codes.push(code);
                let below = first + u64::from(code) * self.strides[depth];
                self.visit(below, group + code as usize * self.group_strides[depth]);
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
