//! Which sums layout `rollup` stores, and into which limbs they are cut.

use crate::{
    bounds,
    layout::{CellArray, CellSum},
    layout_plan::{RollupBudget, scan::HEADROOM},
    parameters::ROLLUP_V1,
    schema::{ColumnId, Schema},
};

/// Products of measures take at most one in so many cells of a budget.
pub(super) const PRODUCT_SHARE: u64 = 8;
/// The most arrays of products; each is a line of the manifest. A table with more pairs of measures has
/// those of its first measures.
const MAX_PRODUCT_ARRAYS: usize = 4_096;
/// The largest value of a cell.
const LIMIT: u128 = (1 << ROLLUP_V1.value_bits) - 1;

/// The arrays of a layout.
pub(super) struct Sums {
    pub(super) limb_bits: u8,
    /// Those of all cuboids, then those of products.
    pub(super) arrays: Vec<CellArray>,
    /// How many are of all cuboids.
    pub(super) everywhere: u32,
}

impl Sums {
    /// For a table of so many rows, and those that may be appended.
    pub(super) fn new(schema: &Schema, rows: u64, budget: &RollupBudget) -> Self {
        let rows = rows.saturating_mul(HEADROOM);
        let total = |sum: CellSum| bounds::total(schema, rows, sum);
        // A sum beyond 64 bits could never be released.
        let releasable = |sum: &CellSum| total(*sum) <= u128::from(i64::MAX.unsigned_abs());
        let mut sums = vec![CellSum::Rows];
        for id in schema.ids() {
            let column = schema.column(id);
            if column.nullable && (column.dimension.is_some() || column.measure.is_some()) {
                sums.push(CellSum::Present(id));
            }
        }
        sums.extend(schema.measures().map(CellSum::Sum));
        sums.extend(schema.measures().map(CellSum::SumOfSquares).filter(releasable));
        let products: Vec<CellSum> = pairs(schema).filter(releasable).take(MAX_PRODUCT_ARRAYS).collect();

        let largest = sums.iter().chain(&products).map(|sum| total(*sum)).max().unwrap_or(0);
        let limb_bits = limb_bits(largest, rows, budget);
        let limbs = |sum: CellSum| {
            let rest = |limb: &u8| total(sum).checked_shr(u32::from(*limb) * limb_bits).unwrap_or(0);
            let last = (0u8..).find(|limb| rest(limb) <= LIMIT).unwrap_or(0);
            (0..=last).map(move |limb| CellArray { sum, limb })
        };
        let mut arrays: Vec<CellArray> = sums.into_iter().flat_map(limbs).collect();
        let everywhere = arrays.len();
        for product in products {
            let limbs = limbs(product);
            if arrays.len() - everywhere + limbs.len() > MAX_PRODUCT_ARRAYS {
                break;
            }
            arrays.extend(limbs);
        }
        Self {
            limb_bits: u8::try_from(limb_bits).unwrap_or(u8::MAX),
            arrays,
            everywhere: u32::try_from(everywhere).unwrap_or(u32::MAX),
        }
    }
}

/// The products of two different measures, each once with the smaller id first; those among the first
/// measures come before all others.
fn pairs(schema: &Schema) -> impl Iterator<Item = CellSum> + '_ {
    let before = |y: ColumnId| schema.measures().take_while(move |x| *x < y);
    schema.measures().flat_map(move |y| before(y).map(move |x| CellSum::Product(x, y)))
}

/// Bits of a limb. A total that fits a cell stays whole, however narrow limbs are; a larger one is cut
/// into limbs so narrow that no selection of cells overflows one.
///
/// So wide products do not cut other sums finer: those that fit stay whole, and those that do not are cut
/// for the cells of the largest cuboid, whether there are products or not.
fn limb_bits(largest: u128, rows: u64, budget: &RollupBudget) -> u32 {
    if largest <= LIMIT {
        return ROLLUP_V1.value_bits;
    }
    // A cell without a row is zero, so at most `rows` cells add anything to a sum.
    let cells = budget.max_cells_per_cuboid.min(rows).max(1);
    ROLLUP_V1.value_bits.saturating_sub(cells.next_power_of_two().ilog2()).max(1)
}
