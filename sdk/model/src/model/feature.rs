//! Preprocessing: every feature of a model is computed from one input column. That is what lets a
//! feature become a table over the codes of an encrypted column.

use serde::{Deserialize, Serialize};

use super::ModelError;
use crate::{
    limits::{Limits, at_most},
    scalar::Scalar,
};

/// One number that the estimator sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Position of the input column.
    pub input: u32,
    /// What stands in for no value, before encoding; without it the feature is missing, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Scalar>,
    /// From a value to a number.
    pub encoding: Encoding,
    /// Applied in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// From a value of a column to a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Encoding {
    /// The number itself.
    Number,
    /// 1 for these values, else 0; list null to mark missing values.
    OneOf {
        /// Distinct values.
        values: Vec<Scalar>,
    },
    /// 1 from `low` up to but without `high`, else 0.
    Within {
        /// No lower end without it.
        low: Option<f64>,
        /// No upper end without it.
        high: Option<f64>,
    },
    /// The position in a list.
    Ordinal {
        /// Distinct values.
        values: Vec<Scalar>,
        /// The number for any other value; without it such a value is refused.
        unknown: Option<f64>,
    },
}

/// An operation on one number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// `(x - centre) / scale`.
    Standard {
        /// Subtracted.
        centre: f64,
        /// Divided by; not 0.
        scale: f64,
    },
    /// `x * factor + offset`.
    Affine {
        /// Multiplied by.
        factor: f64,
        /// Added.
        offset: f64,
    },
    /// Not below `low`, not above `high`.
    Clip {
        /// Smallest result.
        low: f64,
        /// Largest result.
        high: f64,
    },
}

impl Feature {
    /// A column as it is.
    pub const fn number(input: u32) -> Self {
        Self { input, missing: None, encoding: Encoding::Number, steps: Vec::new() }
    }

    /// The feature for a value of its column; `Ok(None)` where it is missing.
    ///
    /// # Errors
    /// What the value should have been.
    pub fn apply(&self, value: &Scalar) -> Result<Option<f64>, String> {
        let value = match &self.missing {
            Some(stand_in) if value.is_null() => stand_in,
            _ => value,
        };
        let encoded = match &self.encoding {
            Encoding::OneOf { values } => Some(f64::from(values.iter().any(|other| other.same(value)))),
            Encoding::Ordinal { values, unknown } => {
                match (values.iter().position(|other| other.same(value)), unknown) {
                    (Some(position), _) => Some(position as f64),
                    (None, _) if value.is_null() => None,
                    (None, Some(unknown)) => Some(*unknown),
                    (None, None) => {
                        return Err(format!(
                            "{value} is none of the {} values the model knows",
                            values.len()
                        ));
                    }
                }
            }
            Encoding::Number | Encoding::Within { .. } if value.is_null() => None,
            Encoding::Number => Some(value.number().ok_or_else(|| format!("{value} is not a number"))?),
            Encoding::Within { low, high } => {
                let number = value.number().ok_or_else(|| format!("{value} is not a number"))?;
                let inside = low.is_none_or(|low| low <= number) && high.is_none_or(|high| number < high);
                Some(f64::from(inside))
            }
        };
        Ok(encoded.map(|number| self.steps.iter().fold(number, |number, step| step.apply(number))))
    }

    /// `factor` and `offset` where the feature is `number * factor + offset`, for every number.
    pub fn affine(&self) -> Option<(f64, f64)> {
        if self.encoding != Encoding::Number {
            return None;
        }
        self.steps.iter().try_fold((1.0, 0.0), |(factor, offset), step| match step {
            Step::Standard { centre, scale } => Some((factor / scale, (offset - centre) / scale)),
            Step::Affine { factor: by, offset: plus } => Some((factor * by, offset * by + plus)),
            Step::Clip { .. } => None,
        })
    }

    pub(super) fn check(&self, index: usize, inputs: usize, limits: &Limits) -> Result<(), ModelError> {
        let wrong = |reason: String| Err(ModelError::new(format!("feature {index}"), reason));
        if self.input as usize >= inputs {
            return wrong(format!("input {} does not exist: there are {inputs}", self.input));
        }
        at_most("steps of a feature", self.steps.len(), 16)?;
        let finite = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
        match &self.encoding {
            Encoding::Number => {}
            Encoding::OneOf { values } | Encoding::Ordinal { values, .. } => {
                at_most("values of a feature", values.len(), limits.values)?;
            }
            Encoding::Within { low, high } => {
                if !finite(&[low.unwrap_or(0.0), high.unwrap_or(0.0)]) {
                    return wrong("an end of its range is not a finite number".to_owned());
                }
            }
        }
        for step in &self.steps {
            let sound = match step {
                Step::Standard { centre, scale } => finite(&[*centre, *scale]) && *scale != 0.0,
                Step::Affine { factor, offset } => finite(&[*factor, *offset]),
                Step::Clip { low, high } => finite(&[*low, *high]) && low <= high,
            };
            if !sound {
                return wrong(format!(
                    "{step:?} needs finite numbers, a scale that is not 0, low below high"
                ));
            }
        }
        Ok(())
    }
}

impl Step {
    fn apply(&self, x: f64) -> f64 {
        match self {
            Self::Standard { centre, scale } => (x - centre) / scale,
            Self::Affine { factor, offset } => x * factor + offset,
            Self::Clip { low, high } => x.clamp(*low, *high),
        }
    }
}
