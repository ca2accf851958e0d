//! Which column each input reads, and the values that its codes stand for.

use serde::{Deserialize, Serialize};
use sordino_protocol::schema::{Column, ColumnId, Domain, Schema, decimal};

use super::{Prefer, Problem, QuantiseError};
use crate::{
    model::{Encoding, Estimator, Feature, Model},
    scalar::Scalar,
};

/// What is read of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The codes of its dimension.
    Codes,
    /// The integers of its measure.
    Measure,
}

/// The column of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// Name of the input.
    pub input: String,
    /// The column.
    pub column: ColumnId,
    /// What is read of it.
    pub source: Source,
    /// Whether a code may stand for several values.
    pub bucketed: bool,
}

/// The values that a code stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CodeValue {
    /// The value that represents it.
    pub(super) value: Scalar,
    /// Its smallest and largest value, where they differ.
    pub(super) ends: Option<(f64, f64)>,
}

/// The column of each input, in the order of the inputs.
///
/// # Errors
/// All inputs that no column can serve.
pub fn map(model: &Model, schema: &Schema, prefer: Prefer) -> Result<Vec<Mapped>, QuantiseError> {
    let mut problems = Vec::new();
    let mut mapped = Vec::with_capacity(model.inputs.len());
    for (index, input) in model.inputs.iter().enumerate() {
        let Some(column) = schema.find(&input.name) else {
            problems.push(Problem::NoColumn { input: input.name.clone(), table: schema.table.clone() });
            continue;
        };
        let features: Vec<&Feature> =
            model.features.iter().filter(|feature| feature.input as usize == index).collect();
        match source(model, schema.column(column), &features, prefer) {
            Ok(source) => {
                let exact = schema.column(column).dimension.as_ref().is_none_or(Domain::is_exact);
                let bucketed = source == Source::Codes && !exact;
                mapped.push(Mapped { input: input.name.clone(), column, source, bucketed });
            }
            Err(reason) => problems.push(Problem::NotReadable { input: input.name.clone(), reason }),
        }
    }
    if problems.is_empty() { Ok(mapped) } else { Err(QuantiseError::Problems(problems)) }
}

/// What can be read of a column by these features.
fn source(model: &Model, column: &Column, features: &[&Feature], prefer: Prefer) -> Result<Source, String> {
    let sums = !matches!(model.estimator, Estimator::Trees { .. } | Estimator::CategoricalBayes { .. });
    let affine = sums && features.iter().all(|feature| feature.affine().is_some());
    match (&column.dimension, &column.measure) {
        (Some(domain), Some(_)) if affine => Ok(match prefer {
            Prefer::Measures => Source::Measure,
            Prefer::Exact if !domain.is_exact() => Source::Measure,
            Prefer::Exact | Prefer::Codes => Source::Codes,
        }),
        (Some(domain), _) => {
            let numeric = features
                .iter()
                .any(|feature| matches!(feature.encoding, Encoding::Within { .. } | Encoding::Number));
            let texts = matches!(domain, Domain::Order { .. });
            if numeric && texts {
                return Err("the column says how two others compare, the model needs a number".to_owned());
            }
            Ok(Source::Codes)
        }
        (None, Some(_)) if affine => Ok(Source::Measure),
        (None, Some(_)) => {
            Err("the column has a measure only; this model needs a dimension: ask the owner for one, \
                                with bucket edges at the thresholds of the model"
                .to_owned())
        }
        (None, None) => {
            Err("the column is not encrypted: it has neither a dimension nor a measure".to_owned())
        }
    }
}

/// The values of all codes of a dimension, null last.
pub(super) fn code_values(column: &Column) -> Vec<CodeValue> {
    let Some(domain) = &column.dimension else { return Vec::new() };
    (0..column.codes())
        .map(|code| {
            if column.null_code() == Some(code) {
                return CodeValue { value: Scalar::Null, ends: None };
            }
            match (domain, domain.interval(code)) {
                (Domain::Buckets { scale, .. }, Some((low, high))) => interval(low, high, *scale),
                (_, Some((low, high))) => interval(low, high, 0),
                _ => CodeValue { value: Scalar::from_cell(domain.label(code).as_deref()), ends: None },
            }
        })
        .collect()
}

/// A bucket `[low, high)` in units of `10^-scale` holds `low` to `high - 1` of them; a single value is
/// read back from its decimal text, so that it is the very number that a model was fitted on.
fn interval(low: i64, high: i64, scale: u8) -> CodeValue {
    let number = |units: i64| decimal(units, scale).parse().unwrap_or(f64::NAN);
    let (first, last): (f64, f64) = (number(low), number(high - 1));
    if high - low == 1 {
        return CodeValue { value: Scalar::Number(first), ends: None };
    }
    CodeValue { value: Scalar::Number(f64::midpoint(first, last)), ends: Some((first, last)) }
}

/// Checks that a model accepts every value that a column may hold.
pub(super) fn check_known(
    model: &Model,
    feature: &Feature,
    column: &Column,
    values: &[CodeValue],
) -> Result<(), Problem> {
    let input = &model.inputs[feature.input as usize];
    let Some(known) = &input.values else { return Ok(()) };
    match values.iter().position(|value| !known.iter().any(|known| known.same(&value.value))) {
        None => Ok(()),
        Some(code) => {
            let label = column.label(code as u32).map_or("no value".to_owned(), |label| format!("`{label}`"));
            let reason = format!("the table may hold {label}, which the model was not fitted on");
            Err(Problem::Value { input: input.name.clone(), reason })
        }
    }
}

/// The value of a feature at every code. `None` is missing; a problem where a code has no answer.
pub(super) fn feature_values(
    model: &Model,
    feature: &Feature,
    values: &[CodeValue],
) -> Result<Vec<Option<f64>>, Problem> {
    let input = || model.inputs[feature.input as usize].name.clone();
    let one = |value: &CodeValue| {
        feature.apply(&value.value).map_err(|reason| Problem::Value { input: input(), reason })
    };
    values.iter().map(one).collect()
}
