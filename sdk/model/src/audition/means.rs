//! Auditions of models whose predicted number is no sum of columns or trees (a logarithmic link, a
//! network, too many trees) but that read few inputs: rows are counted, and the label and its square
//! summed, by the predicted number. What follows from these sums is joined in clear.

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    answer::Answer,
    digest::Digest,
    predicate::Predicate,
    query::{Class, Expression, GroupKey, LabelKind, Output, Query, Value},
    schema::{ColumnId, Schema},
};

use super::{
    Audition, AuditionError, ReadError, Reading, Regression,
    cells::Cell,
    classes::group_names,
    joint,
    numbers::variance,
    sums::{self, Noise, Of, Sums},
};
use crate::{
    model::Link,
    quantised::{Quantised, Shape},
};

/// How sums by predicted number become metrics. Positions are those of released values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanReading {
    /// What is predicted for each class of the first grouping key, in units of the label.
    pub predicted: Vec<f64>,
    /// Names of the groups; none without grouping.
    pub groups: Option<Vec<String>>,
    /// What 1 of the label stands for.
    pub label_unit: f64,
    /// The number of rows.
    pub rows: usize,
    /// The sum of the label.
    pub label: usize,
    /// The sum of its squares.
    pub label_squares: usize,
    /// Whether predicted numbers are means of counts, so that there is a deviance.
    pub of_counts: bool,
}

/// Whether a model of numbers has no other audition.
pub(super) fn is_needed(model: &Quantised) -> bool {
    model.link == Link::Exp || matches!(model.shape, Shape::Network { .. })
}

pub(super) fn plan(
    model: &Quantised,
    schema: &Schema,
    dataset: Digest,
    label: ColumnId,
    by: Option<ColumnId>,
) -> Result<Audition, AuditionError> {
    let column = schema.column(label);
    let not_a_measure = || AuditionError::LabelIsNoMeasure { label: column.name.clone() };
    let measure = column.measure.as_ref().ok_or_else(not_a_measure)?;
    let link = model.link.map(|at| at as f64);
    let cells = joint::of_model(model, schema, |prediction| {
        let number = link.number(&model.scores(&prediction.scores));
        number.filter(|number| number.is_finite()).ok_or(AuditionError::TooFine)
    });
    let cells = cells.map_err(|error| match error {
        AuditionError::Threshold { why, .. } => AuditionError::NotTabulated { why },
        error => error,
    })?;
    let (predicted, key) = by_number(schema, cells);
    let mut groups = vec![key];
    groups.extend(by.map(GroupKey::Codes));
    let actual = Value::measure(schema, label);
    let squared = actual.times(schema, &actual).ok_or(AuditionError::TooFine)?;
    let in_units = |value: Value| Expression::Sum(Value { scale: 0, ..value });
    let names = ["predicted".to_owned()].into_iter().chain(by.map(|by| schema.column(by).name.clone()));
    let shown = |(position, name): (u16, String)| Output { name, expression: Expression::Group(position) };
    let mut outputs: Vec<Output> = (0u16..).zip(names).map(shown).collect();
    let first = outputs.len();
    let statistics = [
        ("rows", Expression::Count(Predicate::All)),
        ("label", in_units(actual)),
        ("label_squared", in_units(squared)),
    ];
    outputs.extend(statistics.map(|(name, expression)| Output { name: name.to_owned(), expression }));
    // Rows without a label have no error.
    let predicate = Predicate::present(schema, label);
    let query = Query { dataset, outputs, predicate, groups, scores: Vec::new() };
    query.validate(schema)?;
    let positions = query.requirements(schema).outputs;
    // A sum is its output's last released value; a count the only one.
    let released = |output: usize| {
        let of_output = positions.get(output).and_then(|all| all.last()).copied();
        of_output.ok_or(AuditionError::Model("an output has no value"))
    };
    let reading = MeanReading {
        predicted,
        groups: by.map(|by| group_names(schema, by)),
        label_unit: 10f64.powi(-i32::from(measure.scale)),
        rows: released(first)?,
        label: released(first + 1)?,
        label_squares: released(first + 2)?,
        of_counts: model.link == Link::Exp && measure.min >= 0,
    };
    Ok(Audition { query, reading: Reading::Means(reading) })
}

/// The numbers that are predicted, ascending, and the rows of each.
fn by_number(schema: &Schema, mut cells: Vec<Cell<f64>>) -> (Vec<f64>, GroupKey) {
    cells.sort_by(|one, other| one.outcome.total_cmp(&other.outcome));
    let (mut predicted, mut classes) = (Vec::new(), Vec::new());
    for same in cells.chunk_by(|one, other| one.outcome == other.outcome) {
        let rows = same.iter().map(|cell| cell.when.clone()).collect();
        classes.push(Class { label: Some(same[0].outcome.to_string()), when: Predicate::or(schema, rows) });
        predicted.push(same[0].outcome);
    }
    (predicted, GroupKey::Classes { kind: LabelKind::Decimal, classes })
}

pub(super) fn read(reading: &MeanReading, answer: &Answer) -> Result<Regression, ReadError> {
    let of_groups = reading.groups.as_ref().map_or(1, Vec::len);
    if answer.groups.len() != reading.predicted.len() * of_groups {
        return Err(ReadError::NotThis("it has another number of groups"));
    }
    let unit = reading.label_unit;
    let in_rows = variance(answer, reading.rows)?;
    let in_label = variance(answer, reading.label)? * unit.powi(2);
    let in_squares = variance(answer, reading.label_squares)? * unit.powi(4);
    let mut sums = vec![Sums::default(); of_groups];
    for (index, group) in answer.groups.iter().enumerate() {
        let (sums, predicted) = (&mut sums[index % of_groups], reading.predicted[index / of_groups]);
        let at = |position: usize| group.values.as_ref()?.get(position).copied().flatten();
        match (at(reading.rows), at(reading.label), at(reading.label_squares)) {
            (Some(rows), Some(label), Some(squares)) => {
                let cell = [rows as f64, label as f64 * unit, squares as f64 * unit * unit];
                let of_error = predicted.powi(4) * in_rows + 4.0 * predicted.powi(2) * in_label + in_squares;
                sums.add(predicted, cell, Noise { rows: in_rows, squares: of_error, spread: in_squares });
            }
            // With a cohort of one, what is not shown has no rows.
            _ => sums.withheld += usize::from(answer.min_cohort > 1),
        }
    }
    let of = Of { counts: reading.of_counts, single: false };
    sums::regression(of, &sums, reading.groups.as_deref(), answer.min_cohort)
}
