//! Planning layout `rollup`: which arrays, limbs and cuboids.
//!
//! Cross moments of measure pairs are not stored: every cuboid has the same arrays, and a pair of
//! measures in every cell would multiply the upload for what only the grand total is asked for.

use std::collections::BinaryHeap;

use crate::{
    bounds,
    layout::{CellArray, CellSum, Cuboid, RollupLayout},
    layout_plan::{RollupBudget, scan::HEADROOM},
    parameters::{ParameterSet, ROLLUP_V1},
    schema::{ColumnId, Schema},
};

/// All cuboids that could be published, in the order in which they are taken.
pub(super) struct Cuboids {
    empty: RollupLayout,
    most: usize,
    /// Per number of dimensions: cells and dimensions, the smallest first.
    candidates: Vec<Vec<(u64, Vec<ColumnId>)>>,
}

impl Cuboids {
    pub(super) fn new(schema: &Schema, rows: u64, budget: &RollupBudget) -> Self {
        let (limb_bits, arrays) = arrays(schema, rows.saturating_mul(HEADROOM), budget);
        let empty = RollupLayout {
            parameter_set: ParameterSet::RollupV1,
            limb_bits,
            arrays,
            cuboids: Vec::new(),
            cells: 0,
            segments: Vec::new(),
        };
        let candidates = (1..=budget.max_dimensions).map(|count| candidates(schema, count, budget)).collect();
        Self { empty, most: budget.max_cuboids, candidates }
    }

    /// The grand total, and as many cuboids as so many cells have room for, those of few dimensions first.
    pub(super) fn within(&self, max_cells: u64) -> RollupLayout {
        let mut layout = self.empty.clone();
        add(&mut layout, 1, Vec::new());
        for candidates in &self.candidates {
            for (cells, columns) in candidates {
                let size = cells.saturating_mul(layout.arrays.len() as u64);
                if layout.cells.saturating_add(size) > max_cells || layout.cuboids.len() >= self.most {
                    break;
                }
                add(&mut layout, *cells, columns.clone());
            }
        }
        layout
    }
}

fn add(layout: &mut RollupLayout, cells: u64, dimensions: Vec<ColumnId>) {
    let first = layout.cells;
    layout.cells += cells * layout.arrays.len() as u64;
    layout.cuboids.push(Cuboid { dimensions, cells, first });
}

/// The arrays of every cuboid. A total that fits a cell stays whole; a larger one is cut into limbs
/// so narrow that no selection of cells can overflow one. `rows` counts those in that may be appended.
fn arrays(schema: &Schema, rows: u64, budget: &RollupBudget) -> (u8, Vec<CellArray>) {
    let mut sums = vec![CellSum::Rows];
    for id in schema.ids() {
        let column = schema.column(id);
        if column.nullable && (column.dimension.is_some() || column.measure.is_some()) {
            sums.push(CellSum::Present(id));
        }
    }
    sums.extend(schema.measures().map(CellSum::Sum));
    // A sum of squares beyond 64 bits could never be released.
    let releasable = |sum: &CellSum| bounds::total(schema, rows, *sum) <= u128::from(i64::MAX.unsigned_abs());
    sums.extend(schema.measures().map(CellSum::SumOfSquares).filter(releasable));

    let limit = (1u128 << ROLLUP_V1.value_bits) - 1;
    let largest = sums.iter().map(|sum| bounds::total(schema, rows, *sum)).max().unwrap_or(0);
    let limb_bits = if largest <= limit {
        ROLLUP_V1.value_bits
    } else {
        // A cell without a row is zero, so at most `rows` cells add anything to a sum.
        let cells = budget.max_cells_per_cuboid.min(rows).max(1);
        ROLLUP_V1.value_bits.saturating_sub(cells.next_power_of_two().ilog2()).max(1)
    };
    let mut arrays = Vec::new();
    for sum in sums {
        let total = bounds::total(schema, rows, sum);
        let last = (0u8..).find(|limb| total.checked_shr(u32::from(*limb) * limb_bits).unwrap_or(0) <= limit);
        arrays.extend((0..=last.unwrap_or(0)).map(|limb| CellArray { sum, limb }));
    }
    (u8::try_from(limb_bits).unwrap_or(u8::MAX), arrays)
}

/// The cuboids with exactly so many dimensions that fit the budget by themselves, by cells, then ids.
fn candidates(schema: &Schema, dimensions: usize, budget: &RollupBudget) -> Vec<(u64, Vec<ColumnId>)> {
    let mut sizes: Vec<(u64, ColumnId)> =
        schema.dimensions().map(|id| (u64::from(schema.column(id).codes()), id)).collect();
    sizes.sort_unstable();
    let mut search = Search { sizes: &sizes, budget, smallest: BinaryHeap::new() };
    search.extend(&mut Vec::new(), 0, 1, dimensions);
    search.smallest.into_sorted_vec()
}

/// A depth-first search over subsets in order of size, which keeps the smallest `max_cuboids`.
struct Search<'a> {
    sizes: &'a [(u64, ColumnId)],
    budget: &'a RollupBudget,
    smallest: BinaryHeap<(u64, Vec<ColumnId>)>,
}

impl Search<'_> {
    fn extend(&mut self, chosen: &mut Vec<ColumnId>, from: usize, cells: u64, missing: usize) {
        if missing == 0 {
            let mut columns = chosen.clone();
            columns.sort_unstable();
            self.smallest.push((cells, columns));
            if self.smallest.len() > self.budget.max_cuboids {
                self.smallest.pop();
            }
            return;
        }
        let sizes = self.sizes;
        for (position, (size, column)) in sizes.iter().enumerate().skip(from) {
            // All later dimensions are at least as large: once this does not fit, none does.
            let exponent = u32::try_from(missing).unwrap_or(u32::MAX);
            let least = size.saturating_pow(exponent).saturating_mul(cells);
            let full = self.smallest.len() >= self.budget.max_cuboids
                && self.smallest.peek().is_some_and(|(largest, _)| least > *largest);
            if least > self.budget.max_cells_per_cuboid || full {
                break;
            }
            chosen.push(*column);
            self.extend(chosen, position + 1, cells * size, missing - 1);
            chosen.pop();
        }
    }
}
