//! Auditions of regressions: sums of the error, of its square, and of the label, by group.

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    digest::Digest,
    predicate::Predicate,
    query::{
        Expression, GroupKey, MAX_OUTPUT_PARTS, MAX_OUTPUTS, Output, Query, Value,
        value::{MAX_BRANCHES, MAX_MONOMIALS},
    },
    schema::{ColumnId, Schema},
};

use super::{Audition, AuditionError, Reading, classes::group_names, components};
use crate::quantised::Quantised;

/// How sums become metrics. Positions are those of released values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberReading {
    /// Names of the groups; none without grouping.
    pub groups: Option<Vec<String>>,
    /// What an error of 1 stands for, in units of the label.
    pub unit: f64,
    /// What 1 of the label stands for.
    pub label_unit: f64,
    /// The number of rows.
    pub rows: usize,
    /// The sum of the label.
    pub label: usize,
    /// The sum of its squares.
    pub label_squares: usize,
    /// Sums that add up to that of the error.
    pub errors: Vec<usize>,
    /// Sums that add up to that of the squared error, each times a factor.
    pub squares: Vec<SquareTerm>,
}

/// One sum of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SquareTerm {
    /// Position of the released sum.
    pub sum: usize,
    /// 1 for squares, 2 for products of two parts.
    pub factor: i64,
}

pub(super) fn plan(
    model: &Quantised,
    schema: &Schema,
    dataset: Digest,
    label: ColumnId,
    by: Option<ColumnId>,
) -> Result<Audition, AuditionError> {
    let error = components::error(model, schema, label)?;
    let parts = error.values.len();
    let pairs = error.values.iter().enumerate();
    let pairs = pairs.flat_map(|(at, one)| error.values[at..].iter().map(|other| one.pairs(other)));
    // A case is a part at least: what no query may have is not multiplied out.
    if pairs.sum::<usize>() > MAX_OUTPUT_PARTS {
        return Err(AuditionError::TooManyParts { parts, limit: MAX_OUTPUTS - 4 });
    }
    let mut products: Vec<(i64, Value)> = Vec::new();
    for (index, one) in error.values.iter().enumerate() {
        for (other_index, other) in error.values.iter().enumerate().skip(index) {
            if one.pairs(other) > MAX_BRANCHES {
                return Err(AuditionError::TooManyCells { found: one.pairs(other) });
            }
            let product = one.times(schema, other).ok_or(AuditionError::TooFine)?;
            let factor = if index == other_index { 1 } else { 2 };
            products.extend(chunks(&product).into_iter().map(|part| (factor, part)));
        }
    }
    // Beside rows, label, its square, and the group.
    let limit = MAX_OUTPUTS - 4;
    if products.len() + parts > limit {
        return Err(AuditionError::TooManyParts { parts, limit });
    }
    let actual = Value::measure(schema, label);
    let squared = actual.times(schema, &actual).ok_or(AuditionError::TooFine)?;
    let in_units = |value: &Value| Value { scale: 0, ..value.clone() };
    let mut outputs: Vec<Output> = Vec::new();
    let mut output = |name: &str, expression| {
        outputs.push(Output { name: name.to_owned(), expression });
        outputs.len() - 1
    };
    if by.is_some() {
        output("group", Expression::Group(0));
    }
    let rows = output("rows", Expression::Count(Predicate::All));
    let label_sum = output("label", Expression::Sum(in_units(&actual)));
    let label_squares = output("label_squared", Expression::Sum(in_units(&squared)));
    let errors: Vec<usize> =
        error.values.iter().map(|value| output("error", Expression::Sum(value.clone()))).collect();
    let squares: Vec<(i64, usize)> = products
        .into_iter()
        .map(|(factor, value)| (factor, output("error_squared", Expression::Sum(value))))
        .collect();
    // Rows without a label have no error.
    let predicate = Predicate::present(schema, label);
    let query = Query {
        dataset,
        outputs,
        predicate,
        groups: by.map(GroupKey::Codes).into_iter().collect(),
        scores: Vec::new(),
    };
    query.validate(schema)?;
    let positions = query.requirements(schema).outputs;
    // A sum is its output's last released value; a count the only one.
    let released = |output: usize| {
        positions
            .get(output)
            .and_then(|all| all.last())
            .copied()
            .ok_or(AuditionError::Model("an output has no value"))
    };
    let scale = schema.column(label).measure.as_ref().map_or(0, |measure| measure.scale);
    let reading = NumberReading {
        groups: by.map(|by| group_names(schema, by)),
        unit: error.unit,
        label_unit: 10f64.powi(-i32::from(scale)),
        rows: released(rows)?,
        label: released(label_sum)?,
        label_squares: released(label_squares)?,
        errors: errors.into_iter().map(released).collect::<Result<_, _>>()?,
        squares: squares
            .into_iter()
            .map(|(factor, output)| Ok(SquareTerm { sum: released(output)?, factor }))
            .collect::<Result<_, AuditionError>>()?,
    };
    Ok(Audition { query, reading: Reading::Numbers(reading) })
}

/// A value as a sum of values with few enough products.
fn chunks(value: &Value) -> Vec<Value> {
    let most = value.branches.iter().map(|branch| branch.monomials.len()).max().unwrap_or(0);
    (0..most.div_ceil(MAX_MONOMIALS).max(1))
        .map(|chunk| {
            let mut part = value.clone();
            for branch in &mut part.branches {
                let all = std::mem::take(&mut branch.monomials);
                branch.monomials = all.into_iter().skip(chunk * MAX_MONOMIALS).take(MAX_MONOMIALS).collect();
            }
            part
        })
        .collect()
}
