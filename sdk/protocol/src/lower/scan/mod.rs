//! Lowering to layout `scan`: a mask for every group, multiplied with the slices that are summed.

use std::collections::BTreeMap;

use crate::{
    bounds::{self, BoundError},
    cost::OperationCounts,
    layout::{DimensionDigits, LayoutKind, ScanLayout, Slice},
    lower::LowerError,
    manifest::Manifest,
    parameters::ScanParameters,
    predicate::{CodeSet, Predicate},
    program::{OutputValue, ScanProgram},
    query::{Query, Term},
    schema::{ColumnId, Schema},
};

mod arrange;
mod atoms;
mod builder;
mod conditions;
mod groups;

/// How much deeper than necessary a product of masks may be to save multiplications, in the order
/// tried: the first that the noise budget bears is taken.
const SLACK: [u32; 3] = [2, 1, 0];

/// Compiles a query that is valid over the manifest's schema.
///
/// # Errors
/// When a term is not stored or a bound is exceeded.
pub fn lower(manifest: &Manifest, query: &Query) -> Result<ScanProgram, LowerError> {
    let missing = LowerError::NoLayout(LayoutKind::Scan);
    let layout = manifest.scan.as_ref().ok_or(missing.clone())?;
    let parameters = layout.parameter_set.scan().ok_or(missing)?;
    for column in query.dimensions() {
        let described = manifest.schema.column(column);
        if layout.digits_of(column).is_none() && described.codes() > 1 {
            return Err(LowerError::NotStored(format!("`{}` as a dimension", described.name)));
        }
    }
    let mut values = Vec::new();
    for term in query.terms(&manifest.schema) {
        let limbs = limbs(layout, term)
            .ok_or_else(|| LowerError::NotStored(super::describe(&manifest.schema, term)))?;
        for limb in 0..limbs {
            check_overflow(manifest, layout, parameters, term, limbs)?;
            values.push(OutputValue { term, limb });
        }
    }
    let chunks = layout.chunks.len().max(1) as u64;
    let mut refused = None;
    for slack in SLACK {
        let program = groups::compile(&manifest.schema, layout, query, &values, slack);
        match bounds::scan_noise(&program, chunks) {
            Ok(_) => return Ok(program),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or_else(|| LowerError::NoLayout(LayoutKind::Scan), LowerError::Bound))
}

/// What a condition on one dimension costs a chunk, as it is compiled, and its depth; `codes` is
/// neither empty nor all `size` codes.
pub(crate) fn condition_cost(digits: &DimensionDigits, size: u32, codes: &CodeSet) -> (OperationCounts, u32) {
    let mut builder = builder::Builder::default();
    let masks = atoms::masks(&mut builder, digits, size, codes);
    builder.conjunction(masks);
    builder.counts()
}

/// How many limbs a term has in this layout, `None` when it is not stored.
fn limbs(layout: &ScanLayout, term: Term) -> Option<u8> {
    match term {
        Term::Rows => Some(1),
        Term::Present(column) => layout.nullable.contains(&column).then_some(1),
        Term::Sum(column) => layout.measures.iter().find(|m| m.column == column).map(|m| m.limbs),
        Term::SumOfSquares(_) | Term::Product(..) => None,
    }
}

/// No sum over all rows may reach the plaintext modulus.
fn check_overflow(
    manifest: &Manifest,
    layout: &ScanLayout,
    parameters: &ScanParameters,
    term: Term,
    limbs: u8,
) -> Result<(), BoundError> {
    let whole = bounds::total(&manifest.schema, manifest.rows, term);
    let limb = u128::from(manifest.rows) * ((1u128 << layout.limb_bits) - 1);
    let largest = if limbs == 1 { whole } else { whole.min(limb) };
    let limit = parameters.max_sum();
    if largest > u128::from(limit) {
        return Err(BoundError::Overflow { set: layout.parameter_set, largest, limit });
    }
    Ok(())
}

/// The predicate among the rows of one group: atoms on grouped dimensions are decided.
fn within_group(schema: &Schema, predicate: &Predicate, key: &BTreeMap<ColumnId, u32>) -> Predicate {
    let inner = |parts: &[Predicate]| parts.iter().map(|part| within_group(schema, part, key)).collect();
    match predicate {
        Predicate::All | Predicate::Nothing => predicate.clone(),
        Predicate::In { column, codes } => match key.get(column) {
            Some(code) if codes.contains(*code) => Predicate::All,
            Some(_) => Predicate::Nothing,
            None => predicate.clone(),
        },
        Predicate::And(parts) => Predicate::and(schema, inner(parts)),
        Predicate::Or(parts) => Predicate::or(schema, inner(parts)),
    }
}

/// The slice that a value of a term is summed from; `None` for the rows themselves.
fn summand(value: OutputValue) -> Option<Slice> {
    match value.term {
        Term::Present(column) => Some(Slice::Present(column)),
        Term::Sum(column) => Some(Slice::Value { column, limb: value.limb }),
        Term::Rows | Term::SumOfSquares(_) | Term::Product(..) => None,
    }
}
