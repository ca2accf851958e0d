//! The prediction of a model in floating point: the reference that quantisation is measured against.
//! Operations are done in the order in which scikit-learn does them, so that ties fall alike.

mod scores;

pub(crate) use self::scores::{code_of, rounded};

use serde::{Deserialize, Serialize};

use crate::{model::Model, scalar::Scalar};

/// A prediction for one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Raw scores: margins, log likelihoods, summed leaf values, or squared distances.
    pub scores: Vec<f64>,
    /// What follows from them.
    pub outcome: Outcome,
}

/// What a model says of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// A number.
    Number(f64),
    /// A class.
    Class {
        /// Its position in the model's labels.
        class: usize,
        /// One per class, where the model states them.
        probabilities: Option<Vec<f64>>,
    },
}

/// A row that a model has no answer for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// The row has another length than the inputs.
    #[error("the row has {found} values, the model has {expected} inputs")]
    Width {
        /// Values of the row.
        found: usize,
        /// Inputs of the model.
        expected: usize,
    },
    /// A value does not fit its input.
    #[error("input `{input}`: {reason}")]
    Value {
        /// Name of the input.
        input: String,
        /// What it should have been.
        reason: String,
    },
    /// No value, and the model does not say what to do then.
    #[error("input `{input}` has no value: put an imputer before the model, or give a value")]
    Missing {
        /// Name of the input.
        input: String,
    },
    /// A code that the model has no table entry for.
    #[error("input `{input}` has code {code}, the model knows codes below {known}")]
    Code {
        /// Name of the input.
        input: String,
        /// What was found.
        code: String,
        /// How many codes there are.
        known: usize,
    },
}

/// The prediction of a valid model for one row of its inputs, in their order.
///
/// # Errors
/// When the row does not fit the model.
pub fn evaluate(model: &Model, row: &[Scalar]) -> Result<Prediction, EvaluateError> {
    let features = features(model, row)?;
    let scores = scores::scores(model, &features)?;
    Ok(Prediction { outcome: outcome(model, &scores), scores })
}

/// What follows from scores.
pub(crate) fn outcome(model: &Model, scores: &[f64]) -> Outcome {
    let link = model.link();
    match link.class(scores) {
        Some(class) => Outcome::Class { class, probabilities: link.probabilities(scores) },
        None => Outcome::Number(link.number(scores).unwrap_or(f64::NAN)),
    }
}

/// The features of a row; `None` where one is missing.
///
/// # Errors
/// When a value does not fit its input.
pub fn features(model: &Model, row: &[Scalar]) -> Result<Vec<Option<f64>>, EvaluateError> {
    if row.len() != model.inputs.len() {
        return Err(EvaluateError::Width { found: row.len(), expected: model.inputs.len() });
    }
    for (input, value) in model.inputs.iter().zip(row) {
        if let Some(values) = &input.values
            && !values.iter().any(|known| known.same(value))
        {
            let reason = format!("{value} is none of the {} values the model was fitted on", values.len());
            return Err(EvaluateError::Value { input: input.name.clone(), reason });
        }
    }
    let one = |feature: &crate::model::Feature| {
        let input = feature.input as usize;
        let name = || model.inputs[input].name.clone();
        feature.apply(&row[input]).map_err(|reason| EvaluateError::Value { input: name(), reason })
    };
    model.features.iter().map(one).collect()
}
