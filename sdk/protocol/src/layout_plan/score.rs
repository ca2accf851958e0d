//! Planning the rows for scores of models: dimensions only, for a score is a sum over codes.
//!
//! A score is a linear combination of slices if every dimension is a single digit, and no product is then
//! spent before its powers. Only a dimension of very many codes is cut in two, which costs one level.

use crate::{
    digest::Digest,
    layout::{DimensionDigits, ScanLayout},
    parameters::ParameterSet,
    schema::Schema,
};

/// The most codes of a single digit.
const MAX_SINGLE: u32 = 256;

pub(super) fn layout(schema: &Schema) -> ScanLayout {
    let bases = |codes: u32| {
        if codes <= MAX_SINGLE {
            return vec![codes];
        }
        let half = codes.isqrt() + u32::from(codes.isqrt().pow(2) < codes);
        vec![codes.div_ceil(half), half]
    };
    let digits = schema.dimensions().map(|column| DimensionDigits {
        column,
        bases: bases(schema.column(column).codes()),
        blocks: None,
    });
    ScanLayout {
        parameter_set: ParameterSet::Score16kV1,
        digits: digits.collect(),
        // There are no value slices.
        limb_bits: 1,
        factor_bits: 0,
        measures: Vec::new(),
        nullable: super::scan::nullable(schema),
        chunks: Vec::new(),
        evaluation_keys: Digest::from_bytes([0; 32]),
    }
}
