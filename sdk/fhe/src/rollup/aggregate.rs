//! Sums rows into the cells of all cuboids, and encrypts the cells segment by segment.

use rand::{CryptoRng, RngCore};
use rayon::prelude::*;
use sordino_protocol::{
    coded::CodedTable,
    layout::{CellSum, Cuboid, RollupLayout},
    parameters::ROLLUP_V1,
    schema::{ColumnId, Schema},
};
use zeroize::Zeroizing;

use crate::{error::FheError, keys::SecretKeys, rollup::segment::Segment};

/// The plaintext cells of a table while it is being aggregated.
pub struct Aggregator {
    schema: Schema,
    pub(super) layout: RollupLayout,
    /// What is summed: the distinct sums of the layout's arrays.
    pub(super) sums: Vec<CellSum>,
    /// Per array of the layout.
    pub(super) arrays: Vec<Limb>,
    /// Per cuboid, per sum that it has an array of, which are the first of `sums`: the totals of the cells.
    pub(super) totals: Vec<Vec<Totals>>,
}

/// What an array holds of its sum.
#[derive(Clone, Copy)]
pub(super) struct Limb {
    /// Index of the sum.
    pub(super) sum: usize,
    pub(super) shift: u32,
    /// As `RollupLayout::limb_of`: the last limb of a sum holds all the rest.
    last: bool,
}

/// Totals of one sum over the cells of one cuboid.
pub(super) enum Totals {
    /// When a single row adds less than 2^32, so that 2^32 rows fit.
    Narrow(Vec<u64>),
    Wide(Vec<u128>),
}

/// Sums whose addends are held at once. The addends of all products of a wide table, of which there are
/// thousands, would not fit in memory for a large batch.
const SUMS_AT_ONCE: usize = 64;

/// What every row of a batch adds to a sum; `None` is 1.
type Addends = Option<Vec<u128>>;

impl Aggregator {
    /// Empty cells.
    ///
    /// # Panics
    /// When the layout does not belong to the schema; `Manifest::validate` checks that.
    pub fn new(schema: &Schema, layout: &RollupLayout) -> Self {
        let mut sums = Vec::new();
        let mut arrays = Vec::with_capacity(layout.arrays.len());
        for array in &layout.arrays {
            let sum = sums.iter().position(|sum| *sum == array.sum).unwrap_or_else(|| {
                sums.push(array.sum);
                sums.len() - 1
            });
            let last = layout.arrays.iter().all(|other| other.sum != array.sum || other.limb <= array.limb);
            arrays.push(Limb { sum, shift: u32::from(array.limb) * u32::from(layout.limb_bits), last });
        }
        let totals = layout
            .cuboids
            .iter()
            .map(|cuboid| {
                // Sums are in the order of their first arrays, so a cuboid has the first few.
                let own = arrays.iter().take(cuboid.arrays as usize).map(|limb| limb.sum + 1).max();
                let own = &sums[..own.unwrap_or(0)];
                own.iter().map(|sum| Totals::zero(schema, *sum, cuboid)).collect()
            })
            .collect();
        Self { schema: schema.clone(), layout: layout.clone(), sums, arrays, totals }
    }

    /// Adds the rows of a batch to every cuboid.
    ///
    /// # Panics
    /// When a code lies outside its domain, which [`CodedTable::push`] excludes.
    pub fn add(&mut self, batch: &CodedTable) {
        let schema = &self.schema;
        for (block, sums) in self.sums.chunks(SUMS_AT_ONCE).enumerate() {
            let addends: Vec<Addends> = sums.par_iter().map(|sum| addends(schema, batch, *sum)).collect();
            let first = block * SUMS_AT_ONCE;
            let cuboids = self.layout.cuboids.par_iter().zip(&mut self.totals);
            cuboids.filter(|(_, totals)| totals.len() > first).for_each(|(cuboid, totals)| {
                let cells = cell_of_each_row(schema, cuboid, batch);
                for (totals, addends) in totals[first..].iter_mut().zip(&addends) {
                    totals.add(&cells, addends);
                }
            });
        }
    }

    /// Number of segment objects.
    pub fn segments(&self) -> u64 {
        RollupLayout::segment_count(self.layout.cells)
    }

    /// Encrypts one segment under a fresh seed. `rng` must be cryptographically secure and seeded by
    /// the operating system.
    ///
    /// # Errors
    /// When a total needs more limbs than the layout gives it, or there is no such segment.
    pub fn encrypt_segment<R: RngCore + CryptoRng>(
        &self,
        index: u64,
        keys: &SecretKeys,
        rng: &mut R,
    ) -> Result<Vec<u8>, FheError> {
        let segments = self.segments();
        if index >= segments {
            return Err(FheError::NoSuchSegment { index, segments });
        }
        let first = index * ROLLUP_V1.segment_cells();
        let end = self.layout.cells.min(first + ROLLUP_V1.segment_cells());
        let cells = self.cells(first, end)?;
        Ok(Segment::encrypt(&cells, keys, rng).to_bytes())
    }

    /// The values of the cells at addresses `first..end`.
    pub(crate) fn cells(&self, first: u64, end: u64) -> Result<Zeroizing<Vec<u64>>, FheError> {
        let mut cells = Zeroizing::new(Vec::with_capacity((end - first) as usize));
        let mut cuboid = self.layout.cuboids.partition_point(|c| c.first <= first).saturating_sub(1);
        let mut address = first;
        while address < end {
            let place = &self.layout.cuboids[cuboid];
            let within = address - place.first;
            let (array, from) = (within / place.cells, within % place.cells);
            if array >= u64::from(place.arrays) {
                cuboid += 1;
                continue;
            }
            let to = place.cells.min(from + (end - address));
            self.limbs(cuboid, array as usize, from as usize..to as usize, &mut cells)?;
            address += to - from;
        }
        Ok(cells)
    }

    fn limbs(
        &self,
        cuboid: usize,
        array: usize,
        range: std::ops::Range<usize>,
        out: &mut Vec<u64>,
    ) -> Result<(), FheError> {
        let Limb { sum, shift, last } = self.arrays[array];
        let mask = (1u128 << self.layout.limb_bits) - 1;
        for cell in range {
            let rest = self.totals[cuboid][sum].get(cell).checked_shr(shift).unwrap_or(0);
            let limb = if last { rest } else { rest & mask };
            if limb >> ROLLUP_V1.value_bits != 0 {
                let place = &self.layout.cuboids[cuboid];
                return Err(FheError::CellTooLarge { address: place.first + cell as u64 });
            }
            out.push(limb as u64);
        }
        Ok(())
    }
}

impl Totals {
    fn zero(schema: &Schema, sum: CellSum, cuboid: &Cuboid) -> Self {
        let cells = usize::try_from(cuboid.cells).unwrap_or(usize::MAX);
        if largest(schema, sum) < 1 << 32 { Self::Narrow(vec![0; cells]) } else { Self::Wide(vec![0; cells]) }
    }

    fn add(&mut self, cells: &[u32], addends: &Addends) {
        match (self, addends) {
            (Self::Narrow(totals), None) => cells.iter().for_each(|cell| totals[*cell as usize] += 1),
            (Self::Narrow(totals), Some(addends)) => {
                cells.iter().zip(addends).for_each(|(cell, value)| totals[*cell as usize] += *value as u64);
            }
            (Self::Wide(totals), None) => cells.iter().for_each(|cell| totals[*cell as usize] += 1),
            (Self::Wide(totals), Some(addends)) => {
                cells.iter().zip(addends).for_each(|(cell, value)| totals[*cell as usize] += *value);
            }
        }
    }

    /// Adds a limb to a cell.
    pub(super) fn put(&mut self, cell: usize, value: u128) {
        match self {
            // A total that is narrow fits, or it could not have been summed.
            Self::Narrow(totals) => totals[cell] = totals[cell].wrapping_add(value as u64),
            Self::Wide(totals) => totals[cell] = totals[cell].wrapping_add(value),
        }
    }

    pub(super) fn get(&self, cell: usize) -> u128 {
        match self {
            Self::Narrow(totals) => u128::from(totals[cell]),
            Self::Wide(totals) => totals[cell],
        }
    }
}

/// The most a single row adds to a sum.
fn largest(schema: &Schema, sum: CellSum) -> u128 {
    let width = |id: ColumnId| schema.column(id).measure.as_ref().map_or(0, |m| u128::from(m.width()));
    match sum {
        CellSum::Rows | CellSum::Present(_) => 1,
        CellSum::Sum(id) => width(id),
        CellSum::SumOfSquares(id) => width(id) * width(id),
        CellSum::Product(a, b) => width(a) * width(b),
    }
}

fn addends(schema: &Schema, batch: &CodedTable, sum: CellSum) -> Addends {
    match sum {
        CellSum::Rows => None,
        CellSum::Present(id) => Some(match schema.column(id).null_code() {
            Some(null) => batch.codes(id).iter().map(|code| u128::from(*code != null)).collect(),
            None => batch.values(id).iter().map(|value| u128::from(value.is_some())).collect(),
        }),
        CellSum::Sum(id) => Some(encoded(schema, batch, id).collect()),
        CellSum::SumOfSquares(id) => Some(encoded(schema, batch, id).map(|value| value * value).collect()),
        CellSum::Product(a, b) => {
            Some(encoded(schema, batch, a).zip(encoded(schema, batch, b)).map(|(a, b)| a * b).collect())
        }
    }
}

/// The values of a measure with the offset subtracted, 0 for null.
fn encoded<'a>(schema: &Schema, batch: &'a CodedTable, id: ColumnId) -> impl Iterator<Item = u128> + use<'a> {
    let min = schema.column(id).measure.as_ref().map_or(0, |measure| measure.min);
    batch.values(id).iter().map(move |value| value.map_or(0, |value| u128::from(value.abs_diff(min))))
}

/// The cell of every row, column by column. Cells of a cuboid fit a `u32`: its memory would not fit
/// a machine long before.
fn cell_of_each_row(schema: &Schema, cuboid: &Cuboid, batch: &CodedTable) -> Vec<u32> {
    let mut cells = vec![0u32; batch.rows];
    for column in &cuboid.dimensions {
        let codes = schema.column(*column).codes();
        for (cell, code) in cells.iter_mut().zip(batch.codes(*column)) {
            assert!(*code < codes, "codes come from `CodedTable::push`");
            *cell = *cell * codes + code;
        }
    }
    cells
}
