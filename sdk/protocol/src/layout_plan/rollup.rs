//! Planning layout `rollup`: which cuboids, and which arrays each has.
//!
//! Every cuboid has counts, sums and sums of squares. Cross moments, the products of two measures, are
//! as many as there are pairs: in every cell they would multiply the upload for what is mostly asked of
//! the whole table or by one column. So they are stored at the top only: in the grand total, and in the
//! cuboids of one dimension, the smallest first, while they take at most an eighth of the cells.

use std::collections::BinaryHeap;

use crate::{
    layout::{Cuboid, RollupLayout},
    layout_plan::{
        RollupBudget,
        sums::{PRODUCT_SHARE, Sums},
    },
    parameters::ParameterSet,
    schema::{ColumnId, Schema},
};

/// All cuboids that could be published, in the order in which they are taken.
pub(super) struct Cuboids {
    empty: RollupLayout,
    /// How many arrays every cuboid has.
    everywhere: u32,
    /// How many arrays there are.
    all: u32,
    most: usize,
    /// Per number of dimensions: cells and dimensions, the smallest first.
    candidates: Vec<Vec<(u64, Vec<ColumnId>)>>,
}

impl Cuboids {
    pub(super) fn new(schema: &Schema, rows: u64, budget: &RollupBudget) -> Self {
        let Sums { limb_bits, arrays, everywhere } = Sums::new(schema, rows, budget);
        let all = u32::try_from(arrays.len()).unwrap_or(u32::MAX);
        let empty = RollupLayout {
            parameter_set: ParameterSet::RollupV1,
            limb_bits,
            arrays,
            cuboids: Vec::new(),
            cells: 0,
            segments: Vec::new(),
        };
        let candidates = (1..=budget.max_dimensions).map(|count| candidates(schema, count, budget)).collect();
        Self { empty, everywhere, all, most: budget.max_cuboids, candidates }
    }

    /// The grand total, and as many cuboids as so many cells have room for, those of few dimensions first.
    pub(super) fn within(&self, max_cells: u64) -> RollupLayout {
        let mut layout = self.empty.clone();
        let products = u64::from(self.all - self.everywhere);
        let mut room = (max_cells / PRODUCT_SHARE).saturating_sub(products);
        add(&mut layout, 1, Vec::new(), self.all);
        for candidates in &self.candidates {
            for (cells, columns) in candidates {
                let fits = |arrays: u32| {
                    layout.cells.saturating_add(cells.saturating_mul(u64::from(arrays))) <= max_cells
                };
                if !fits(self.everywhere) || layout.cuboids.len() >= self.most {
                    break;
                }
                let of_products = cells.saturating_mul(products);
                if columns.len() == 1 && of_products <= room && fits(self.all) {
                    room -= of_products;
                    add(&mut layout, *cells, columns.clone(), self.all);
                } else {
                    add(&mut layout, *cells, columns.clone(), self.everywhere);
                }
            }
        }
        layout
    }
}

fn add(layout: &mut RollupLayout, cells: u64, dimensions: Vec<ColumnId>, arrays: u32) {
    let first = layout.cells;
    layout.cells += cells * u64::from(arrays);
    layout.cuboids.push(Cuboid { dimensions, arrays, cells, first });
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
