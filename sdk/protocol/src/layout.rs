//! How a table is laid out under encryption, as its manifest states it: which cells and slices
//! exist and where they are. The builders here are pure; encryption is `sdk/fhe`.

mod digits;

use serde::{Deserialize, Serialize};

pub use digits::{Blocks, DimensionDigits, MAX_DIGITS, MAX_NUMBERS};

use crate::{
    digest::Digest,
    parameters::{ParameterSet, ROLLUP_V1},
    schema::{ColumnId, Schema},
};

/// A way to encrypt and to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayoutKind {
    /// Encrypted aggregates of cuboids; cost independent of the rows.
    Rollup,
    /// Encrypted bitmap index of the rows.
    Scan,
}

/// Layout `rollup`: all arrays of all cuboids lie one after another in a single address space of
/// cells; cell `i` is coefficient `i % N` of ciphertext `i / N`, and a segment object holds a fixed
/// number of ciphertexts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollupLayout {
    /// Always a rollup set.
    pub parameter_set: ParameterSet,
    /// Bits of a limb: large sums are stored as several arrays, `value = sum(limb_i << i*limb_bits)`.
    /// Every limb but a sum's last has at most so many bits; the last holds all the rest, see
    /// [`RollupLayout::limb_of`].
    pub limb_bits: u8,
    /// The arrays in order; every cuboid has the first few of them or all, see [`Cuboid::arrays`].
    pub arrays: Vec<CellArray>,
    /// The cuboids, in address order.
    pub cuboids: Vec<Cuboid>,
    /// Total number of cells, padding excluded.
    pub cells: u64,
    /// Segment objects in address order.
    pub segments: Vec<Digest>,
}

/// A quantity of single rows that the owner sums up in every cell. Measures are encoded: the value
/// less the smallest of the schema, 0 for null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellSum {
    /// 1 for every row.
    Rows,
    /// 1 where the column is not null; published for nullable columns only.
    Present(ColumnId),
    /// The encoded value.
    Sum(ColumnId),
    /// The square of the encoded value.
    SumOfSquares(ColumnId),
    /// The product of the encoded values of two measures, 0 where either is null.
    Product(ColumnId, ColumnId),
}

/// One array of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellArray {
    /// What is summed in each cell.
    pub sum: CellSum,
    /// Which limb of the sum.
    pub limb: u8,
}

/// The aggregates over one subset of the dimensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cuboid {
    /// Sorted; empty for the grand total. Cells are row-major: the last dimension varies fastest.
    pub dimensions: Vec<ColumnId>,
    /// How many of the layout's arrays it has, the first so many. Those of products of measures come
    /// last: only cuboids of few cells have them, since there are many pairs of measures.
    pub arrays: u32,
    /// Cells of one array: the product of the dimensions' codes.
    pub cells: u64,
    /// Address of the first cell of the first array; array `a` starts at `first + a * cells`.
    pub first: u64,
}

/// Layout `scan`: chunks of rows, each a Parquet object with one binary column a slice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanLayout {
    /// A scan set; its degree is the number of rows of a chunk.
    pub parameter_set: ParameterSet,
    /// How the codes of the dimensions stored here are decomposed, in schema order. A dimension that
    /// is missing is left to other layouts.
    pub digits: Vec<DimensionDigits>,
    /// Bits of a limb of measure values: `value = sum(limb_i << i*limb_bits)`.
    pub limb_bits: u8,
    /// Bits of the narrower limbs that products are made of, 0 if there are none: sums of products of
    /// two of them do not wrap.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub factor_bits: u8,
    /// The measures stored, in schema order, with their number of limbs.
    pub measures: Vec<MeasureSlices>,
    /// Nullable columns, in schema order; each has a [`Slice::Present`].
    pub nullable: Vec<ColumnId>,
    /// The chunks in row order.
    pub chunks: Vec<Chunk>,
    /// Digest of the evaluation-key object.
    pub evaluation_keys: Digest,
}

/// The value slices of a measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureSlices {
    /// The measure.
    pub column: ColumnId,
    /// Number of limbs.
    pub limbs: u8,
    /// Number of narrower limbs, stored besides; 0 where sums of products of the value by itself do not
    /// wrap.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub factors: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// Which limbs of a measure: whoever only adds values up takes as few as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grain {
    /// [`Slice::Value`].
    Sums,
    /// [`Slice::Factor`] where it is stored, else [`Slice::Value`].
    Products,
}

/// The limbs of one measure: `value = sum(limb_i << i*bits)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limbs {
    /// How many.
    pub count: u8,
    /// Bits of each.
    pub bits: u8,
    /// Whether they are [`Slice::Factor`].
    pub narrow: bool,
}

/// A chunk of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk {
    /// The Parquet object.
    pub object: Digest,
    /// Rows in it; the other slots are padding, where every slice is zero.
    pub rows: u64,
}

/// One encrypted vector of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slice {
    /// 1 for every row, 0 for padding.
    Exists,
    /// 1 where digit number `digit` of the dimension's code is at least `value`. A range of values is
    /// the difference of two such slices, however long it is, and a single value is a range; every
    /// digit is at least 0, so that slice would be [`Slice::Exists`] again and is not stored.
    AtLeast {
        /// The dimension.
        column: ColumnId,
        /// Position in [`DimensionDigits::bases`], 0 is the most significant.
        digit: u8,
        /// From 1 to the digit's base, exclusive.
        value: u32,
    },
    /// 1 where the column is not null.
    Present(ColumnId),
    /// A limb of the encoded value of a measure, 0 for null and padding.
    Value {
        /// The measure.
        column: ColumnId,
        /// Which limb.
        limb: u8,
    },
    /// A narrower limb of the encoded value of a measure, for products; 0 for null and padding.
    Factor {
        /// The measure.
        column: ColumnId,
        /// Which limb.
        limb: u8,
    },
}

impl Slice {
    /// The name of its Parquet column.
    pub fn name(&self) -> String {
        match self {
            Self::Exists => "exists".to_owned(),
            Self::AtLeast { column, digit, value } => format!("a{}.{digit}.{value}", column.0),
            Self::Present(column) => format!("p{}", column.0),
            Self::Value { column, limb } => format!("v{}.{limb}", column.0),
            Self::Factor { column, limb } => format!("f{}.{limb}", column.0),
        }
    }
}

impl ScanLayout {
    /// Every slice of a chunk, in the order of the Parquet columns.
    pub fn slices(&self) -> Vec<Slice> {
        let mut slices = vec![Slice::Exists];
        for dimension in &self.digits {
            for (digit, base) in dimension.bases.iter().enumerate() {
                let digit = u8::try_from(digit).unwrap_or(u8::MAX);
                slices.extend((1..*base).map(|value| Slice::AtLeast {
                    column: dimension.column,
                    digit,
                    value,
                }));
            }
        }
        slices.extend(self.nullable.iter().map(|column| Slice::Present(*column)));
        for measure in &self.measures {
            let column = measure.column;
            slices.extend((0..measure.limbs).map(|limb| Slice::Value { column, limb }));
            slices.extend((0..measure.factors).map(|limb| Slice::Factor { column, limb }));
        }
        slices
    }

    /// The limbs of a measure, if it is stored.
    pub fn limbs_of(&self, column: ColumnId, grain: Grain) -> Option<Limbs> {
        let measure = self.measures.iter().find(|measure| measure.column == column)?;
        Some(match (grain, measure.factors) {
            (Grain::Sums, _) | (Grain::Products, 0) => {
                Limbs { count: measure.limbs.max(1), bits: self.limb_bits, narrow: false }
            }
            (Grain::Products, count) => Limbs { count, bits: self.factor_bits, narrow: true },
        })
    }

    /// The decomposition of a dimension.
    pub fn digits_of(&self, column: ColumnId) -> Option<&DimensionDigits> {
        self.digits.iter().find(|digits| digits.column == column)
    }
}

impl RollupLayout {
    /// What array number `array` stores of a cell whose sum is `value`.
    pub fn limb_of(&self, array: usize, value: u128) -> u128 {
        let CellArray { sum, limb } = self.arrays[array];
        let last = self.arrays.iter().all(|other| other.sum != sum || other.limb <= limb);
        let rest = value.checked_shr(u32::from(limb) * u32::from(self.limb_bits)).unwrap_or(0);
        if last { rest } else { rest & ((1 << self.limb_bits) - 1) }
    }

    /// How many arrays, from the first on, a cuboid must have to have all limbs of `sum`; 0 if none is
    /// stored.
    pub fn arrays_up_to(&self, sum: CellSum) -> usize {
        self.arrays.iter().rposition(|array| array.sum == sum).map_or(0, |last| last + 1)
    }

    /// Address of the first cell of an array that a cuboid has.
    pub fn address(&self, cuboid: &Cuboid, array: usize) -> u64 {
        cuboid.first + array as u64 * cuboid.cells
    }

    /// The smallest cuboid that has all of `dimensions` (sorted) and the first `arrays` arrays, the first
    /// of equals.
    pub fn cuboid_for(&self, dimensions: &[ColumnId], arrays: usize) -> Option<(usize, &Cuboid)> {
        self.cuboids
            .iter()
            .enumerate()
            .filter(|(_, c)| c.arrays as usize >= arrays)
            .filter(|(_, c)| dimensions.iter().all(|d| c.dimensions.binary_search(d).is_ok()))
            .min_by_key(|(index, c)| (c.cells, *index))
    }

    /// Number of segment objects that `cells` need.
    pub fn segment_count(cells: u64) -> u64 {
        cells.div_ceil(ROLLUP_V1.segment_cells())
    }
}

impl Cuboid {
    /// The cell of a row, given the row's code of each column.
    pub fn cell(&self, schema: &Schema, code: impl Fn(ColumnId) -> u32) -> u64 {
        self.dimensions.iter().fold(0, |cell, column| {
            cell * u64::from(schema.column(*column).codes()) + u64::from(code(*column))
        })
    }

    /// The code of each dimension at a cell, in the order of `self.dimensions`.
    pub fn codes_at(&self, schema: &Schema, mut cell: u64) -> Vec<u32> {
        let mut codes = vec![0; self.dimensions.len()];
        for (slot, column) in codes.iter_mut().zip(&self.dimensions).rev() {
            let size = u64::from(schema.column(*column).codes());
            *slot = u32::try_from(cell % size).unwrap_or(u32::MAX);
            cell /= size;
        }
        codes
    }
}
