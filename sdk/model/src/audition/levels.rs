//! Auditions of models of numbers whose inputs are too many to be tabulated, where the label takes few
//! values: rows are counted by label and by each level of the score, so every error is known exactly.

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    answer::Answer,
    digest::Digest,
    predicate::Predicate,
    query::{Derivation, Expression, GroupKey, MAX_OUTPUTS, Output, Query},
    schema::{ColumnId, Domain, Schema},
};

use super::{
    Audition, AuditionError, ReadError, Reading, Regression,
    classes::group_names,
    scores,
    sums::{self, Noise, Of, Sums},
};
use crate::{
    model::Link,
    quantised::{Quantised, unit},
};

/// The most levels: each is an output, beside label and group.
const MAX_SHOWN: u64 = MAX_OUTPUTS as u64 - 2;

/// How counts by level and label become metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelReading {
    /// What is predicted at each level, in units of the label.
    pub predicted: Vec<f64>,
    /// Among the released values, the rows of each level.
    pub levels: Vec<usize>,
    /// The value of each code of the label; `None` without one.
    pub actual: Vec<Option<f64>>,
    /// Names of the groups; none without grouping.
    pub groups: Option<Vec<String>>,
    /// Whether predicted numbers are means of counts, so that there is a deviance.
    pub of_counts: bool,
}

pub(super) fn plan(
    model: &Quantised,
    schema: &Schema,
    dataset: Digest,
    label: ColumnId,
    by: Option<ColumnId>,
) -> Result<Audition, AuditionError> {
    let score = scores::weighted(model, schema, &[1], false)?;
    let actual = actual(schema, label)?;
    let levels = score.levels();
    if levels > MAX_SHOWN {
        return Err(AuditionError::Levels { levels });
    }
    let (low, high) = score.bounds();
    let link = model.link.map(|at| at as f64);
    let number = |level: i64| link.number(&[level as f64 * unit(model.fraction_bits)]);
    let predicted: Option<Vec<f64>> =
        (low..=high).map(|level| number(level).filter(|number| number.is_finite())).collect();
    let mut groups = vec![GroupKey::Codes(label)];
    groups.extend(by.map(GroupKey::Codes));
    let names = [label].into_iter().chain(by).map(|id| schema.column(id).name.clone());
    let shown = |(position, name): (u16, String)| Output { name, expression: Expression::Group(position) };
    let mut outputs: Vec<Output> = (0u16..).zip(names).map(shown).collect();
    outputs.extend((low..=high).map(|level| Output {
        name: format!("score {level}"),
        expression: Expression::Band { score: 0, from: level, to: level + 1, when: Predicate::All },
    }));
    // Rows without a label have no error.
    let predicate = Predicate::present(schema, label);
    let query = Query { dataset, outputs, predicate, groups, scores: vec![score] };
    let reading = LevelReading {
        predicted: predicted.ok_or(AuditionError::TooFine)?,
        levels: query.requirements(schema).outputs.into_iter().flatten().collect(),
        of_counts: model.link == Link::Exp && actual.iter().flatten().all(|value| *value >= 0.0),
        actual,
        groups: by.map(|by| group_names(schema, by)),
    };
    Ok(Audition { query, reading: Reading::Levels(reading) })
}

/// The number that each code of the label stands for.
fn actual(schema: &Schema, label: ColumnId) -> Result<Vec<Option<f64>>, AuditionError> {
    let column = schema.column(label);
    let value = |code: u32| column.label(code).and_then(|text| text.parse::<f64>().ok());
    let actual: Vec<Option<f64>> = (0..column.codes()).map(value).collect();
    let without = usize::from(column.nullable);
    // A bucket of several values says too little of an error.
    let exact = column.dimension.as_ref().is_some_and(Domain::is_exact);
    if exact && actual.iter().filter(|value| value.is_none()).count() <= without {
        return Ok(actual);
    }
    Err(AuditionError::LabelOfManyValues { label: column.name.clone() })
}

pub(super) fn read(reading: &LevelReading, answer: &Answer) -> Result<Regression, ReadError> {
    let of_groups = reading.groups.as_ref().map_or(1, Vec::len);
    if answer.groups.len() != reading.actual.len() * of_groups
        || reading.levels.len() != reading.predicted.len()
    {
        return Err(ReadError::NotThis("it has another number of groups or levels"));
    }
    let noise = match answer.released.first().map(|released| released.from) {
        Some(Derivation::Band { levels, .. }) => answer.noise.get(levels).copied().unwrap_or(0.0).powi(2),
        _ => return Err(ReadError::NotThis("it has other values")),
    };
    let mut sums = vec![Sums::default(); of_groups];
    for (index, group) in answer.groups.iter().enumerate() {
        let Some(actual) = reading.actual[index / of_groups] else { continue };
        let sums = &mut sums[index % of_groups];
        for (predicted, position) in reading.predicted.iter().zip(&reading.levels) {
            let shown = group.values.as_ref().and_then(|values| values.get(*position).copied().flatten());
            match shown {
                Some(rows) => {
                    let rows = rows as f64;
                    let noise = Noise {
                        rows: noise,
                        squares: noise * (predicted - actual).powi(4),
                        spread: noise * actual.powi(4),
                    };
                    sums.add(*predicted, [rows, rows * actual, rows * actual * actual], noise);
                }
                // With a cohort of one, what is not shown has no rows.
                None => sums.withheld += usize::from(answer.min_cohort > 1),
            }
        }
    }
    let of = Of { counts: reading.of_counts, single: true };
    sums::regression(of, &sums, reading.groups.as_deref(), answer.min_cohort)
}
