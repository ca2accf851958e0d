//! Any model of few inputs, tabulated: its prediction for every combination of what it tells apart in
//! them.
//!
//! Codes of a column that add the same to every score, or go the same way at every split, are one
//! kind. The table of predictions over kinds is taken apart column by column: kinds with equal rest
//! tables are joined, so that few predicates remain.

use std::collections::BTreeMap;

use sordino_protocol::{
    coded::CodedTable,
    predicate::CodeSet,
    schema::{ColumnId, Schema},
};

use super::{
    AuditionError, MAX_JOINT,
    cells::{Cell, conjunction},
};
use crate::quantised::{IntegerNode, IntegerPrediction, Quantised, Score, Shape, Term, evaluate};

/// Splits times codes that are looked at to find out what a model tells apart.
const MAX_LOOKS: usize = 20_000_000;

/// A column and its kinds of codes.
struct Kinds {
    column: ColumnId,
    codes: Vec<Vec<u32>>,
}

/// The rows of each outcome of a prediction, in cells that exclude each other.
pub(super) fn of_model<T: Clone + PartialEq>(
    model: &Quantised,
    schema: &Schema,
    outcome: impl Fn(IntegerPrediction) -> Result<T, AuditionError>,
) -> Result<Vec<Cell<T>>, AuditionError> {
    let levels =
        model.bounds.iter().map(|(low, high)| u128::from(high.abs_diff(*low)) + 1).max().unwrap_or(1);
    let threshold = |why: String| AuditionError::Threshold { levels, why };
    if let Some(column) = measured(model) {
        let name = &schema.column(column).name;
        return Err(threshold(format!("the model reads the measure `{name}`")));
    }
    let mut kinds = Vec::new();
    let mut joint = 1usize;
    for column in model.columns() {
        let found = kinds_of(model, schema, column)
            .ok_or_else(|| threshold("it has too many splits for its inputs to be told apart".to_owned()))?;
        joint = joint.saturating_mul(found.len());
        if joint > MAX_JOINT {
            return Err(threshold(format!(
                "the model tells more than {MAX_JOINT} combinations of its {} inputs apart",
                model.columns().len()
            )));
        }
        kinds.push(Kinds { column, codes: found });
    }
    let predictions = tabulate(model, schema, (&kinds, joint), outcome)?;
    let mut cells = Vec::new();
    take_apart(schema, &kinds, &predictions, &mut BTreeMap::new(), &mut cells)?;
    Ok(cells)
}

/// A measure that the model reads.
fn measured(model: &Quantised) -> Option<ColumnId> {
    scores(model).iter().flat_map(|score| &score.terms).find_map(|term| match term {
        Term::Measure { column, .. } => Some(*column),
        Term::Codes { .. } => None,
    })
}

fn scores(model: &Quantised) -> &[Score] {
    match &model.shape {
        Shape::Scores(scores) | Shape::Network { first: scores, .. } => scores,
        Shape::Trees { .. } => &[],
    }
}

/// The codes of a column by what the model makes of them; `None` when that is too much work.
fn kinds_of(model: &Quantised, schema: &Schema, column: ColumnId) -> Option<Vec<Vec<u32>>> {
    let codes = schema.column(column).codes();
    let weights: Vec<&Vec<i64>> = scores(model)
        .iter()
        .flat_map(|score| &score.terms)
        .filter_map(|term| match term {
            Term::Codes { column: read, weights } if *read == column => Some(weights),
            _ => None,
        })
        .collect();
    let splits: Vec<&CodeSet> = match &model.shape {
        Shape::Trees { trees, .. } => trees
            .iter()
            .flat_map(|tree| &tree.nodes)
            .filter_map(|node| match node {
                IntegerNode::Split { column: read, codes, .. } if *read == column => Some(codes),
                _ => None,
            })
            .collect(),
        Shape::Scores(_) | Shape::Network { .. } => Vec::new(),
    };
    let looks = splits.iter().map(|codes| codes.ranges().len().max(1)).sum::<usize>() + weights.len();
    if looks.saturating_mul(codes as usize) > MAX_LOOKS {
        return None;
    }
    let mut kinds: BTreeMap<Vec<i64>, Vec<u32>> = BTreeMap::new();
    for code in 0..codes {
        let weight = |weights: &&Vec<i64>| weights.get(code as usize).copied().unwrap_or(0);
        let side = |set: &&CodeSet| i64::from(set.contains(code));
        let seen = weights.iter().map(weight).chain(splits.iter().map(side)).collect();
        kinds.entry(seen).or_default().push(code);
    }
    let mut kinds: Vec<Vec<u32>> = kinds.into_values().collect();
    kinds.sort_unstable();
    Some(kinds)
}

/// The outcome of every combination of kinds, the last column fastest.
fn tabulate<T>(
    model: &Quantised,
    schema: &Schema,
    (kinds, joint): (&[Kinds], usize),
    outcome: impl Fn(IntegerPrediction) -> Result<T, AuditionError>,
) -> Result<Vec<T>, AuditionError> {
    let mut table = CodedTable::new(schema);
    table.rows = joint;
    let mut stride = joint;
    for Kinds { column, codes } in kinds {
        stride /= codes.len().max(1);
        table.codes[column.index()] =
            Some((0..joint).map(|row| codes[row / stride.max(1) % codes.len()][0]).collect());
    }
    let of_row = |row| {
        outcome(evaluate(model, &table, row).map_err(|_| AuditionError::Model("a code has no weight"))?)
    };
    (0..joint).map(of_row).collect()
}

/// Cells of equal predictions. As deep as there are columns with several kinds: at most ten.
fn take_apart<T: Clone + PartialEq>(
    schema: &Schema,
    kinds: &[Kinds],
    predictions: &[T],
    rows: &mut BTreeMap<ColumnId, CodeSet>,
    cells: &mut Vec<Cell<T>>,
) -> Result<(), AuditionError> {
    let first = predictions.first().ok_or(AuditionError::Model("a table is empty"))?;
    let uniform = predictions.iter().all(|class| class == first);
    let (Some((kind, rest)), false) = (kinds.split_first(), uniform) else {
        cells.push(Cell { when: conjunction(schema, rows), outcome: first.clone() });
        return Ok(());
    };
    let mut alike: Vec<(&[T], Vec<u32>)> = Vec::new();
    for (part, codes) in predictions.chunks(predictions.len() / kind.codes.len()).zip(&kind.codes) {
        match alike.iter_mut().find(|(other, _)| *other == part) {
            Some((_, joined)) => joined.extend(codes),
            None => alike.push((part, codes.clone())),
        }
    }
    for (part, codes) in alike {
        rows.insert(kind.column, CodeSet::from_codes(codes));
        take_apart(schema, rest, part, rows, cells)?;
        rows.remove(&kind.column);
    }
    Ok(())
}
