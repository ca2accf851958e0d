//! What a run may be expected to give: the same run on rows in clear that stand for those of the listing,
//! with its cohort and its noise, and the model tried on rows that it was not fitted to.

use std::collections::BTreeMap;

use serde::Serialize;
use sordino_model::{
    float::{self, Outcome},
    model::Model,
    scalar::Scalar,
    train::{Step, Trained, Trainer},
};
use sordino_protocol::{
    answer::Answer, canonical::Canonical, coded::CodedTable, plaintext, query::Query, schema::ColumnId,
};

use super::{Run, TrainingError};
use crate::{ClientError, gate::protected, sandbox::Sandbox};

/// The fewest rows that say anything.
const LEAST_ROWS: usize = 20;
/// One row in so many is kept back.
const KEPT_BACK: usize = 4;

/// A run in clear.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rehearsal {
    /// Rows that were fitted to.
    pub rows: usize,
    /// How good the model is on others.
    pub quality: Quality,
    /// The model, and what a reader must know of it.
    pub trained: Trained,
}

/// How well a model does on rows that it was not fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "measure", rename_all = "snake_case")]
pub enum Quality {
    /// The share of rows whose class is right.
    Accuracy {
        /// Of these rows.
        rows: usize,
        /// Of the model.
        value: f64,
        /// Of the class that is most frequent.
        most_frequent: f64,
    },
    /// The share of the variance of a number that is explained.
    R2 {
        /// Of these rows.
        rows: usize,
        /// Of the model.
        value: f64,
    },
    /// The mean squared distance to the nearest centre.
    Inertia {
        /// Of these rows.
        rows: usize,
        /// Of the model.
        value: f64,
    },
}

/// Runs on synthetic rows, a quarter of which is kept back to try the model on. Takes as long as the run's
/// statistics of these rows take: call it off the async runtime.
///
/// # Errors
/// When there are too few rows, or the run cannot be made on them.
pub fn rehearse(run: &Run, sandbox: &Sandbox) -> Result<Rehearsal, ClientError> {
    let rows = sandbox.rows.len();
    if rows < LEAST_ROWS {
        return Err(TrainingError::SmallSandbox { rows, least: LEAST_ROWS }.into());
    }
    let is_kept_back = |row: &usize| row % KEPT_BACK == KEPT_BACK - 1;
    let (tried, fitted): (Vec<usize>, Vec<usize>) = (0..rows).partition(is_kept_back);
    let trained = train(run, &sandbox.coded.rows_at(&fitted))?;
    let quality = quality(run, &trained.model, sandbox, &tried);
    Ok(Rehearsal { rows: fitted.len(), quality, trained })
}

fn train(run: &Run, rows: &CodedTable) -> Result<Trained, ClientError> {
    let mut trainer = Trainer::new(run.source.clone(), &run.task).map_err(TrainingError::from)?;
    // The listing has more rows, on which its cohort and noise weigh less: each row stands for so many.
    let weight = (run.listing.rows / rows.rows.max(1) as u64).max(1);
    loop {
        match trainer.next().map_err(TrainingError::from)? {
            Step::Done(trained) => return Ok(*trained),
            Step::Ask(queries) => {
                let answer = |query: &Query| answer(run, query, rows, weight);
                let answers = queries.iter().map(answer).collect::<Result<Vec<_>, _>>()?;
                trainer.answer(&answers).map_err(TrainingError::from)?;
            }
        }
    }
}

/// What the gate would release of these rows.
fn answer(run: &Run, query: &Query, rows: &CodedTable, weight: u64) -> Result<Answer, ClientError> {
    let (schema, policy) = (&run.source.schema, &run.listing.policy);
    let mut totals = plaintext::evaluate(schema, query, rows);
    for group in &mut totals {
        group.rows = group.rows.saturating_mul(weight);
        let factor = i64::try_from(weight).unwrap_or(i64::MAX);
        group.values.iter_mut().for_each(|value| *value = value.saturating_mul(factor));
    }
    let (groups, noise) = protected(schema, query, policy, totals)?;
    Ok(Answer::new(schema, query, query.digest()?, groups, noise, policy.min_cohort))
}

fn quality(run: &Run, model: &Model, sandbox: &Sandbox, tried: &[usize]) -> Quality {
    let schema = &run.source.schema;
    let place = |name: &str| schema.find(name).map(ColumnId::index);
    let inputs: Vec<Option<usize>> = model.inputs.iter().map(|input| place(&input.name)).collect();
    let label = run.task.label.as_deref().and_then(|label| schema.find(label));
    let (mut right, mut distance, mut seen) = (0usize, 0.0, 0usize);
    let (mut numbers, mut classes) = (Vec::new(), BTreeMap::<String, usize>::new());
    for row in tried.iter().copied() {
        let cells = &sandbox.rows[row];
        let read = |place: &Option<usize>| place.and_then(|place| cells[place].as_deref());
        let values: Vec<Scalar> = inputs.iter().map(|place| Scalar::from_cell(read(place))).collect();
        let actual = label.and_then(|label| read(&Some(label.index())));
        if values.iter().any(Scalar::is_null) || (label.is_some() && actual.is_none()) {
            continue;
        }
        let Ok(prediction) = float::evaluate(model, &values) else { continue };
        seen += 1;
        match (prediction.outcome, label) {
            (Outcome::Number(number), _) => {
                numbers.extend(
                    actual.and_then(|actual| actual.parse().ok()).map(|actual: f64| (number, actual)),
                );
            }
            (Outcome::Class { class, .. }, Some(label)) => {
                let actual = schema.column(label).label(sandbox.coded.codes(label)[row]).unwrap_or_default();
                right += usize::from(model.classes[class] == actual);
                *classes.entry(actual).or_default() += 1;
            }
            (Outcome::Class { class, .. }, None) => distance += prediction.scores[class],
        }
    }
    let of = |sum: f64| sum / seen.max(1) as f64;
    match (label, classes.values().max()) {
        (None, _) => Quality::Inertia { rows: seen, value: of(distance) },
        (Some(_), Some(most)) => {
            Quality::Accuracy { rows: seen, value: of(right as f64), most_frequent: of(*most as f64) }
        }
        (Some(_), None) => Quality::R2 { rows: seen, value: r2(&numbers) },
    }
}

fn r2(pairs: &[(f64, f64)]) -> f64 {
    let mean = pairs.iter().map(|(_, actual)| actual).sum::<f64>() / pairs.len() as f64;
    let left: f64 = pairs.iter().map(|(predicted, actual)| (predicted - actual).powi(2)).sum();
    let total: f64 = pairs.iter().map(|(_, actual)| (actual - mean).powi(2)).sum();
    1.0 - left / total
}
