//! Integer evaluation of one row in clear: what an encrypted evaluation must equal, bit for bit. Sums
//! are of 128 bits and checked against the range that the model states.

use sordino_protocol::{coded::CodedTable, schema::ColumnId};

use super::{IntegerNode, IntegerTree, LARGEST, Quantised, Score, Shape, Table, Term};

/// Integer scores of a row and the class they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegerPrediction {
    /// One per score of the model.
    pub scores: Vec<i64>,
    /// Position of the class; `None` for a model that predicts a number.
    pub class: Option<usize>,
}

/// A row or a model that does not fit the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The table has no such column, or the row no such code.
    #[error("column {} has no code or value that the model can use in row {row}", column.0)]
    Column {
        /// Which column.
        column: ColumnId,
        /// Row, from 0.
        row: usize,
    },
    /// The model is not well formed.
    #[error("the integer model is not well formed: {0}")]
    Model(&'static str),
    /// A score left the range that is exact.
    #[error("a score is beyond +-(2^53 - 1)")]
    Overflow,
}

/// Evaluates `model` on row `row` of `table`.
///
/// # Errors
/// When the row does not fit the model.
pub fn evaluate(model: &Quantised, table: &CodedTable, row: usize) -> Result<IntegerPrediction, RowError> {
    let row = Row { table, row };
    let scores = match &model.shape {
        Shape::Scores(scores) => {
            scores.iter().map(|score| row.score(score)).collect::<Result<Vec<_>, _>>()?
        }
        Shape::Trees { base, trees } => row.trees(base, trees)?,
        Shape::Network { first, layers } => {
            let mut x = first.iter().map(|score| row.score(score)).collect::<Result<Vec<_>, _>>()?;
            for layer in layers {
                if layer.tables.len() != x.len() {
                    return Err(RowError::Model("a layer has a table for each unit before it"));
                }
                let outputs: Vec<i64> = x
                    .iter()
                    .zip(&layer.tables)
                    .map(|(x, table)| look_up(table, *x))
                    .collect::<Result<_, _>>()?;
                x = layer
                    .units
                    .iter()
                    .map(|unit| weighted(unit.intercept, &unit.weights, &outputs))
                    .collect::<Result<_, _>>()?;
            }
            x
        }
    };
    Ok(IntegerPrediction { class: model.link.class(&scores), scores })
}

struct Row<'a> {
    table: &'a CodedTable,
    row: usize,
}

impl Row<'_> {
    fn wrong(&self, column: ColumnId) -> RowError {
        RowError::Column { column, row: self.row }
    }

    fn code(&self, column: ColumnId) -> Result<u32, RowError> {
        let codes = self.table.codes.get(column.index()).and_then(Option::as_ref);
        codes.and_then(|codes| codes.get(self.row)).copied().ok_or_else(|| self.wrong(column))
    }

    fn value(&self, column: ColumnId) -> Result<Option<i64>, RowError> {
        let values = self.table.values.get(column.index()).and_then(Option::as_ref);
        values.and_then(|values| values.get(self.row)).copied().ok_or_else(|| self.wrong(column))
    }

    fn score(&self, score: &Score) -> Result<i64, RowError> {
        let sum = score.terms.iter().try_fold(i128::from(score.intercept), |sum, term| {
            let added = match term {
                Term::Codes { column, weights } => {
                    let weight = weights.get(self.code(*column)? as usize);
                    i128::from(*weight.ok_or_else(|| self.wrong(*column))?)
                }
                Term::Measure { column, weight, square, null } => match self.value(*column)? {
                    Some(value) => polynomial(value, *weight, *square),
                    None => i128::from(*null),
                },
            };
            Ok(sum.saturating_add(added))
        })?;
        narrow(sum)
    }

    fn trees(&self, base: &[i64], trees: &[IntegerTree]) -> Result<Vec<i64>, RowError> {
        let mut sums: Vec<i128> = base.iter().map(|base| i128::from(*base)).collect();
        for tree in trees {
            let leaf = self.leaf(tree)?;
            let scores = sums.get_mut(tree.score as usize..).unwrap_or_default();
            if scores.len() < leaf.len() {
                return Err(RowError::Model("a leaf adds to a score that does not exist"));
            }
            scores.iter_mut().zip(leaf).for_each(|(sum, value)| *sum += i128::from(*value));
        }
        sums.into_iter().map(narrow).collect()
    }

    fn leaf<'t>(&self, tree: &'t IntegerTree) -> Result<&'t [i64], RowError> {
        let mut at = 0u32;
        loop {
            match tree.nodes.get(at as usize) {
                Some(IntegerNode::Leaf(values)) => return Ok(values),
                Some(IntegerNode::Split { column, codes, left, right }) => {
                    let next = if codes.contains(self.code(*column)?) { *left } else { *right };
                    // A child after its parent: the walk ends.
                    if next <= at {
                        return Err(RowError::Model("a child stands before its parent"));
                    }
                    at = next;
                }
                None => return Err(RowError::Model("a child does not exist")),
            }
        }
    }
}

/// `weight * value + square * value^2`.
pub(crate) fn polynomial(value: i64, weight: i64, square: i64) -> i128 {
    let value = i128::from(value);
    (i128::from(square).saturating_mul(value).saturating_add(i128::from(weight))).saturating_mul(value)
}

pub(crate) fn look_up(table: &Table, x: i64) -> Result<i64, RowError> {
    let last = table.outputs.len().checked_sub(1).ok_or(RowError::Model("a table has no entry"))?;
    let index = i128::from(x).saturating_sub(i128::from(table.low)) >> table.shift.min(127);
    let index = usize::try_from(index.max(0)).unwrap_or(usize::MAX).min(last);
    Ok(table.outputs[index])
}

fn weighted(intercept: i64, weights: &[i64], x: &[i64]) -> Result<i64, RowError> {
    if weights.len() != x.len() {
        return Err(RowError::Model("a unit has a weight for each table"));
    }
    let product = |(weight, x): (&i64, &i64)| i128::from(*weight) * i128::from(*x);
    narrow(weights.iter().zip(x).map(product).fold(i128::from(intercept), i128::saturating_add))
}

fn narrow(sum: i128) -> Result<i64, RowError> {
    i64::try_from(sum)
        .ok()
        .filter(|sum| sum.unsigned_abs() <= LARGEST.unsigned_abs())
        .ok_or(RowError::Overflow)
}
