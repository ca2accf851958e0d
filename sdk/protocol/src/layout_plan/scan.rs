//! Planning layout `scan`: which parameter set, digits and limbs.
//!
//! One digit means one slice a code: predicates on the column cost no product at all, but a column of
//! a thousand codes would be a thousand ciphertexts a chunk. Two digits need about the square root of
//! that and one product for a range. Depth is what `scan-8k-v1` has least of, and its slices are
//! small, so it stays with one digit much longer; `scan-16k-v1` has depth to spare, and a slice there
//! is four times as large.

use crate::{
    digest::Digest,
    layout::{DimensionDigits, MeasureSlices, ScanLayout},
    parameters::ParameterSet,
    schema::{ColumnId, Schema},
};

/// The most rows of a table in `scan-8k-v1`: four chunks. Above, the larger set does more rows per
/// product and leaves room to grow.
pub const MAX_ROWS_8K: u64 = 32_768;

/// The most limbs of a measure in `scan-8k-v1`: with two, a sum costs there what it costs in the larger
/// set, and everything else half.
const MAX_LIMBS_8K: u32 = 2;

/// Sums stay exact until the table has grown by this factor, so that appended versions can share
/// the limbs of the first.
pub const HEADROOM: u64 = 4;

pub(super) fn plan(schema: &Schema, rows: u64) -> ScanLayout {
    let small = limb_bits(ParameterSet::Scan8kV1, rows);
    let fits = schema.measures().all(|id| width_bits(schema, id) <= MAX_LIMBS_8K * u32::from(small));
    let parameter_set =
        if rows <= MAX_ROWS_8K && fits { ParameterSet::Scan8kV1 } else { ParameterSet::Scan16kV1 };
    let limb_bits = limb_bits(parameter_set, rows);
    let limbs = |id| width_bits(schema, id).div_ceil(u32::from(limb_bits)).max(1);
    ScanLayout {
        parameter_set,
        digits: schema
            .dimensions()
            .map(|column| DimensionDigits {
                column,
                bases: bases(parameter_set, schema.column(column).codes()),
            })
            .collect(),
        limb_bits,
        measures: schema
            .measures()
            .map(|column| MeasureSlices { column, limbs: u8::try_from(limbs(column)).unwrap_or(u8::MAX) })
            .collect(),
        nullable: schema
            .ids()
            .filter(|id| {
                let column = schema.column(*id);
                column.nullable && (column.dimension.is_some() || column.measure.is_some())
            })
            .collect(),
        chunks: Vec::new(),
        evaluation_keys: Digest::from_bytes([0; 32]),
    }
}

/// The digits of a dimension with so many codes.
fn bases(set: ParameterSet, codes: u32) -> Vec<u32> {
    let one_digit = match set {
        ParameterSet::Scan8kV1 => 128,
        ParameterSet::RollupV1 | ParameterSet::Scan16kV1 => 16,
    };
    if codes <= one_digit {
        return vec![codes];
    }
    let low = codes.isqrt() + u32::from(codes.isqrt().pow(2) < codes);
    vec![codes.div_ceil(low), low]
}

/// The widest limb whose sum over all rows, grown by [`HEADROOM`], stays below the plaintext modulus.
fn limb_bits(set: ParameterSet, rows: u64) -> u8 {
    let max_sum = set.scan().map_or(1, |parameters| parameters.max_sum());
    let share = max_sum / rows.max(1).saturating_mul(HEADROOM);
    let bits = (share + 1).ilog2().clamp(1, 55);
    u8::try_from(bits).unwrap_or(1)
}

/// Bits of the largest encoded value of a measure.
fn width_bits(schema: &Schema, id: ColumnId) -> u32 {
    let width = schema.column(id).measure.as_ref().map_or(0, |measure| measure.width());
    u64::BITS - width.leading_zeros()
}
