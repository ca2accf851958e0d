//! Lowering to layout `scan`: a mask for every group, multiplied with what is summed.

use std::collections::BTreeMap;

use crate::{
    bounds,
    cost::OperationCounts,
    layout::{DimensionDigits, LayoutKind, ScanLayout},
    layout_plan,
    lower::{LowerError, pieces::Pieces},
    manifest::Manifest,
    parameters::ParameterSet,
    predicate::{CodeSet, Predicate},
    program::ScanProgram,
    query::Query,
    schema::{ColumnId, Schema},
};

mod arrange;
mod atoms;
mod builder;
mod conditions;
mod groups;
mod polynomial;
mod score;
mod summand;

use groups::Depth;
use summand::Summand;

/// The first that the noise budget bears is taken.
const DEPTHS: [Depth; 4] = [
    Depth { slack: 2, apart: false },
    Depth { slack: 1, apart: false },
    Depth { slack: 0, apart: false },
    Depth { slack: 0, apart: true },
];

/// Compiles a query that is valid over the manifest's schema.
///
/// # Errors
/// When a term is not stored or a bound is exceeded.
pub fn lower(manifest: &Manifest, query: &Query) -> Result<ScanProgram, LowerError> {
    let needs = query.requirements(&manifest.schema);
    let missing = LowerError::NoLayout(LayoutKind::Scan);
    let layout = match &manifest.score {
        _ if !query.is_scored() => manifest.scan.as_ref().ok_or(missing.clone())?,
        layout => layout.as_ref().ok_or(LowerError::NoScores)?,
    };
    let parameters = layout.parameter_set.scan().ok_or(missing)?;
    for column in query.dimensions(&manifest.schema) {
        let described = manifest.schema.column(column);
        if layout.digits_of(column).is_none() && described.codes() > 1 {
            return Err(LowerError::NotStored(format!("`{}` as a dimension", described.name)));
        }
    }
    let pieces = summand::pieces((&manifest.schema, manifest.rows), layout, parameters, &needs)?;
    compile(&manifest.schema, layout, layout.chunks.len().max(1) as u64, query, &pieces)
}

/// Checks that a valid query about scores can be answered of so many rows of any dataset with this
/// schema, as rows for scores are planned; gives the bytes of its results.
///
/// # Errors
/// When a bound is exceeded.
pub fn check_scores(schema: &Schema, rows: u64, query: &Query) -> Result<u64, LowerError> {
    let layout = layout_plan::score(schema);
    let parameters = layout.parameter_set.scan().ok_or(LowerError::NoScores)?;
    let pieces = summand::pieces((schema, rows), &layout, parameters, &query.requirements(schema))?;
    let chunks = rows.div_ceil(parameters.degree as u64).max(1);
    let program = compile(schema, &layout, chunks, query, &pieces)?;
    Ok(bounds::partial_bytes(&program)?)
}

/// The first program that the noise budget bears.
fn compile(
    schema: &Schema,
    layout: &ScanLayout,
    chunks: u64,
    query: &Query,
    pieces: &Pieces<Summand>,
) -> Result<ScanProgram, LowerError> {
    let mut refused = None;
    for depth in DEPTHS {
        let program = groups::compile(schema, layout, query, pieces, depth);
        match bounds::scan_noise(&program, chunks) {
            Ok(_) => return Ok(program),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or_else(|| LowerError::NoLayout(LayoutKind::Scan), LowerError::Bound))
}

/// What a condition on one dimension costs a chunk, as it is compiled, and its depth; `codes` is
/// neither empty nor all `size` codes.
pub(crate) fn condition_cost(
    digits: &DimensionDigits,
    size: u32,
    codes: &CodeSet,
    set: ParameterSet,
) -> (OperationCounts, u32) {
    let mut builder = builder::Builder::default();
    let masks = atoms::masks(&mut builder, digits, size, codes);
    builder.conjunction(masks);
    builder.counts(set)
}

/// The predicate among the rows of one group, of which the codes of some columns are known: atoms that
/// these decide are decided.
fn within_group(schema: &Schema, predicate: &Predicate, known: &BTreeMap<ColumnId, CodeSet>) -> Predicate {
    let inner = |parts: &[Predicate]| parts.iter().map(|part| within_group(schema, part, known)).collect();
    match predicate {
        Predicate::All | Predicate::Nothing => predicate.clone(),
        Predicate::In { column, codes } => match known.get(column) {
            Some(of_group) => match of_group.intersection(codes) {
                both if both.is_empty() => Predicate::Nothing,
                both if both == *of_group => Predicate::All,
                _ => predicate.clone(),
            },
            None => predicate.clone(),
        },
        Predicate::And(parts) => Predicate::and(schema, inner(parts)),
        Predicate::Or(parts) => Predicate::or(schema, inner(parts)),
    }
}
