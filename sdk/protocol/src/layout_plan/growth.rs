//! Whether a published layout still holds a table that has grown. Limbs were planned for the rows of the
//! first version and some more; a sum that outgrows them could never be asked for again.

use crate::{
    bounds,
    layout::{CellSum, LayoutKind, RollupLayout, ScanLayout},
    parameters::ROLLUP_V1,
    schema::{ColumnId, Schema},
};

/// A sum outgrows its limbs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "with {rows} rows, {sum} outgrows the limbs of layout {layout:?}, which hold at most {most} rows: \
     publish the whole table as a new listing"
)]
pub struct GrowthError {
    /// What is summed.
    pub sum: String,
    /// Where.
    pub layout: LayoutKind,
    /// Rows there would be.
    pub rows: u64,
    /// The most rows that fit.
    pub most: u64,
}

/// Checks that every sum of a dataset still fits when it has `rows` rows.
///
/// # Errors
/// The sum that has the least room, if it does not.
pub fn check_growth(
    schema: &Schema,
    rows: u64,
    rollup: Option<&RollupLayout>,
    scan: Option<&ScanLayout>,
) -> Result<(), GrowthError> {
    let mut refused = Vec::new();
    let mut check = |sum: String, layout, fits: &dyn Fn(u64) -> bool| {
        if !fits(rows) {
            refused.push(GrowthError { sum, layout, rows, most: most(rows, fits) });
        }
    };
    if let Some(scan) = scan {
        for measure in &scan.measures {
            let name = &schema.column(measure.column).name;
            let fits = |rows| scan_fits(schema, scan, measure.column, measure.limbs, rows);
            check(format!("the sum of `{name}`"), LayoutKind::Scan, &fits);
        }
    }
    if let Some(rollup) = rollup {
        for (index, array) in rollup.arrays.iter().enumerate() {
            let last = rollup.arrays.iter().all(|other| other.sum != array.sum || other.limb <= array.limb);
            // Products of measures are in cuboids of few cells only.
            let having = rollup.cuboids.iter().filter(|cuboid| cuboid.arrays as usize > index);
            let place = Place {
                sum: array.sum,
                shift: u32::from(array.limb) * u32::from(rollup.limb_bits),
                cut: (!last).then_some(rollup.limb_bits),
                cells: having.map(|cuboid| cuboid.cells).max().unwrap_or(1),
            };
            let name = words(schema, array.sum);
            check(name, LayoutKind::Rollup, &|rows| place.fits(schema, rows));
        }
    }
    refused.into_iter().min_by_key(|error| error.most).map_or(Ok(()), Err)
}

/// No sum over all rows may reach the plaintext modulus.
fn scan_fits(schema: &Schema, scan: &ScanLayout, column: ColumnId, limbs: u8, rows: u64) -> bool {
    let whole = bounds::total(schema, rows, CellSum::Sum(column));
    let limb = u128::from(rows) * ((1u128 << scan.limb_bits) - 1);
    let largest = if limbs == 1 { whole } else { whole.min(limb) };
    scan.parameter_set.scan().is_some_and(|set| largest <= u128::from(set.max_sum()))
}

/// A limb of a sum in layout `rollup`.
struct Place {
    sum: CellSum,
    /// Where it begins.
    shift: u32,
    /// Its bits, unless it is the last limb, which holds all the rest.
    cut: Option<u8>,
    /// Cells of the largest cuboid that has it.
    cells: u64,
}

impl Place {
    /// No sum over all cells of a cuboid may exceed the value bits of a cell.
    fn fits(&self, schema: &Schema, rows: u64) -> bool {
        let total = bounds::total(schema, rows, self.sum);
        let rest = total.checked_shr(self.shift).unwrap_or(0);
        let of_cells = |bits: u8| u128::from(self.cells.min(rows)) * ((1u128 << bits) - 1);
        let largest = self.cut.map_or(rest, |bits| rest.min(of_cells(bits)));
        largest < 1 << ROLLUP_V1.value_bits
    }
}

/// The most rows below `rows` that fit.
fn most(rows: u64, fits: &dyn Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, rows);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

fn words(schema: &Schema, sum: CellSum) -> String {
    let name = |id| &schema.column(id).name;
    match sum {
        CellSum::Rows => "the number of rows".to_owned(),
        CellSum::Present(id) => format!("the number of values of `{}`", name(id)),
        CellSum::Sum(id) => format!("the sum of `{}`", name(id)),
        CellSum::SumOfSquares(id) => format!("the sum of squares of `{}`", name(id)),
        CellSum::Product(one, other) => format!("the sum of `{}` times `{}`", name(one), name(other)),
    }
}
