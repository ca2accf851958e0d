//! Integers against floating point on rows of a sandbox, and what that says of rows like them.

use serde::{Deserialize, Serialize};
use sordino_protocol::{coded::CodedTable, schema::Schema};

use super::likely;
use crate::{
    float::{self, Outcome as FloatOutcome},
    model::Model,
    quantise::{Options, Outcome},
    quantised,
};

/// Integers against floating point, row by row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Rows compared.
    pub rows: usize,
    /// Rows that the schema or the model refuses.
    pub refused: usize,
    /// Why the first of them was refused.
    pub first_refusal: Option<String>,
    /// Largest difference of a score, in units of the score.
    pub max_score_difference: f64,
    /// Mean difference of a score.
    pub mean_score_difference: f64,
    /// Fraction of rows with the same class; `None` for a model that predicts a number.
    pub equal_classes: Option<f64>,
    /// The largest share of rows that get another class, of a table of rows like these: it fails for one such
    /// table in a thousand. So far accuracy, and the share of rows in any cell, may be off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_class_at_most: Option<f64>,
    /// Of a model that predicts a number: the root mean square of the differences of what is predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rms_difference: Option<f64>,
    /// The same of a table of rows like these, at most, as far as none of them is further off than the furthest
    /// of these: it fails for one such table in a thousand. So far RMSE and mean absolute error may be off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rms_at_most: Option<f64>,
}

/// Compares rows as a source has them.
pub(super) fn compare(
    model: &Model,
    schema: &Schema,
    rows: &[Vec<Option<String>>],
    outcome: &Outcome,
    options: &Options,
) -> Comparison {
    let difference = options.of_two(model).map(|(factors, _)| factors);
    let mut found = Comparison::default();
    let (mut sum, mut scores, mut equal, mut squares) = (0.0, 0usize, 0usize, Vec::new());
    let link = outcome.model.link.map(|_| 0.0);
    for row in rows {
        let (float, integer) = match both(model, schema, row, outcome) {
            Ok(both) => both,
            Err(reason) => {
                found.refused += 1;
                found.first_refusal.get_or_insert(reason);
                continue;
            }
        };
        found.rows += 1;
        let floats = match (difference, float.scores.as_slice()) {
            // Scores are not told.
            _ if options.classes_only => Vec::new(),
            (Some(factors), [first, second]) => vec![factors[0] * first + factors[1] * second],
            _ => float.scores.clone(),
        };
        let integers = outcome.model.scores(&integer.scores);
        for (integer, float) in integers.iter().zip(&floats) {
            let difference = (integer - float).abs();
            found.max_score_difference = found.max_score_difference.max(difference);
            sum += difference;
            scores += 1;
        }
        match float.outcome {
            FloatOutcome::Class { class, .. } => equal += usize::from(integer.class == Some(class)),
            FloatOutcome::Number(number) => {
                squares.extend(link.number(&integers).map(|integer| (integer - number).powi(2)));
            }
        }
    }
    if found.rows > 0 {
        found.mean_score_difference = sum / scores.max(1) as f64;
        let classes = !model.classes.is_empty();
        found.equal_classes = classes.then(|| equal as f64 / found.rows as f64);
        found.other_class_at_most = classes.then(|| likely::share(found.rows - equal, found.rows));
    }
    if !squares.is_empty() {
        let seen = squares.iter().copied().fold(0.0, f64::max);
        found.rms_difference = Some((squares.iter().sum::<f64>() / squares.len() as f64).sqrt());
        found.rms_at_most = Some(likely::mean(&squares, seen).sqrt());
    }
    found
}

type Both = (float::Prediction, quantised::IntegerPrediction);

fn both(model: &Model, schema: &Schema, row: &[Option<String>], outcome: &Outcome) -> Result<Both, String> {
    if row.len() != schema.columns.len() {
        return Err(format!("{} cells, the schema has {} columns", row.len(), schema.columns.len()));
    }
    let cells: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
    let mut table = CodedTable::new(schema);
    table.push(schema, 1, &cells).map_err(|error| error.to_string())?;
    let float =
        float::evaluate(model, &super::row(model, schema, &cells)).map_err(|error| error.to_string())?;
    let integer = quantised::evaluate(&outcome.model, &table, 0).map_err(|error| error.to_string())?;
    Ok((float, integer))
}
