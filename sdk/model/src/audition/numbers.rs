//! From released sums to the errors of a regression.
//!
//! Sums are joined in 128 bits, so that what is exact stays exact until the last division.

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    query::Derivation,
};

use super::{NumberReading, ReadError};
use crate::metrics::Bounds;

/// How well a model predicts numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// What fewer rows than this stand behind is withheld.
    pub min_cohort: u32,
    /// All rows together, or what the groups that are shown say of them; none where all are withheld.
    pub all: Option<RegressionGroup>,
    /// By group, where one was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<RegressionGroup>,
    /// Names of the groups that are withheld; they are in no figure above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
    /// Sums by predicted number that are withheld, where rows are summed so; their rows are in no figure.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cells_withheld: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde passes it")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The errors of some rows, in units of the label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegressionGroup {
    /// Its name; empty for all rows.
    pub group: String,
    /// Rows that have a label.
    pub rows: f64,
    /// Mean squared error.
    pub mse: f64,
    /// Its root.
    pub rmse: f64,
    /// Coefficient of determination; none where the label does not vary.
    pub r2: Option<f64>,
    /// Mean of predicted minus actual.
    pub mean_error: f64,
    /// Bounds of the mean absolute error: it is neither below the mean error nor above the root of the
    /// mean squared one.
    pub mae: Bounds,
    /// Bounds of the mean Poisson deviance, of models that predict means of counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviance: Option<Bounds>,
    /// Standard error of the mean squared error by noise; none when sums are exact.
    pub mse_standard_error: Option<f64>,
    /// Standard error of the coefficient of determination by noise.
    pub r2_standard_error: Option<f64>,
}

/// Sums of one group, or of several.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    rows: i128,
    label: i128,
    label_squares: i128,
    errors: i128,
    squares: i128,
    groups: u32,
}

/// Variances of the noise of these sums, of one group.
#[derive(Debug, Clone, Copy)]
struct Variances {
    rows: f64,
    label: f64,
    label_squares: f64,
    squares: f64,
}

pub(super) fn read(reading: &NumberReading, answer: &Answer) -> Result<Regression, ReadError> {
    if answer.groups.len() != reading.groups.as_ref().map_or(1, Vec::len) {
        return Err(ReadError::NotThis("it has another number of groups"));
    }
    let variances = variances(reading, answer)?;
    let sums: Vec<Option<Sums>> = answer.groups.iter().map(|group| sums(reading, group)).collect();
    let all = sums.iter().flatten().copied().reduce(Sums::plus);
    if all.is_none() {
        return Err(ReadError::Withheld { min_cohort: answer.min_cohort });
    }
    let names = || reading.groups.iter().flatten().zip(&sums);
    let groups = names().filter_map(|(name, sums)| (*sums)?.metrics(reading, variances, name)).collect();
    let withheld = names().filter(|(_, sums)| sums.is_none()).map(|(name, _)| name.clone()).collect();
    let all = all.and_then(|sums| sums.metrics(reading, variances, ""));
    Ok(Regression { min_cohort: answer.min_cohort, all, groups, withheld, cells_withheld: 0 })
}

/// The sums of a group; `None` when one of them is withheld.
fn sums(reading: &NumberReading, group: &AnswerGroup) -> Option<Sums> {
    let values = group.values.as_ref()?;
    let at = |position: usize| values.get(position).copied().flatten().map(i128::from);
    let squares = reading
        .squares
        .iter()
        .try_fold(0i128, |sum, term| sum.checked_add(at(term.sum)?.checked_mul(i128::from(term.factor))?))?;
    Some(Sums {
        rows: at(reading.rows)?,
        label: at(reading.label)?,
        label_squares: at(reading.label_squares)?,
        errors: reading.errors.iter().try_fold(0i128, |sum, position| Some(sum + at(*position)?))?,
        squares,
        groups: 1,
    })
}

fn variances(reading: &NumberReading, answer: &Answer) -> Result<Variances, ReadError> {
    let variance = |position: usize| variance(answer, position);
    let term = |term: &super::SquareTerm| Ok(variance(term.sum)? * (term.factor as f64).powi(2));
    Ok(Variances {
        rows: variance(reading.rows)?,
        label: variance(reading.label)?,
        label_squares: variance(reading.label_squares)?,
        squares: reading.squares.iter().map(term).sum::<Result<f64, ReadError>>()?,
    })
}

/// The variance of the noise of a released sum.
pub(super) fn variance(answer: &Answer, position: usize) -> Result<f64, ReadError> {
    let released = answer.released.get(position).ok_or(ReadError::NotThis("a sum is missing"))?;
    match released.from {
        Derivation::Sum(quantity) => Ok(answer.noise.get(quantity).copied().unwrap_or(0.0).powi(2)),
        Derivation::Band { .. } | Derivation::Distinct(_) | Derivation::Rank { .. } => {
            Err(ReadError::NotThis("it has other values"))
        }
    }
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            label: self.label + other.label,
            label_squares: self.label_squares + other.label_squares,
            errors: self.errors + other.errors,
            squares: self.squares + other.squares,
            groups: self.groups + other.groups,
        }
    }

    /// `None` when there is no row, or noise leaves none.
    fn metrics(self, reading: &NumberReading, noise: Variances, name: &str) -> Option<RegressionGroup> {
        let rows = self.rows as f64;
        if self.rows < 1 {
            return None;
        }
        let squared_unit = reading.unit * reading.unit;
        // Noise may make it negative; a square never is.
        let squares = self.squares.max(0) as f64 * squared_unit;
        let mse = squares / rows;
        let centred = self.rows.saturating_mul(self.label_squares) - self.label.saturating_mul(self.label);
        let spread = centred as f64 / rows * reading.label_unit * reading.label_unit;
        let r2 = (centred > 0).then(|| 1.0 - squares / spread);
        let mean_error = self.errors as f64 / rows * reading.unit;
        let groups = f64::from(self.groups);
        let noised = noise.rows > 0.0;
        let of_squares = noise.squares * squared_unit * squared_unit * groups;
        let mse_error = ((of_squares + mse * mse * noise.rows * groups).sqrt()) / rows;
        let mean = self.label as f64 / rows * reading.label_unit;
        let label_variance = reading.label_unit.powi(2);
        let of_spread = groups
            * (noise.label_squares * label_variance.powi(2)
                + 4.0 * mean * mean * noise.label * label_variance
                + mean.powi(4) * noise.rows);
        let r2_error = (of_squares + (squares / spread).powi(2) * of_spread).sqrt() / spread;
        Some(RegressionGroup {
            group: name.to_owned(),
            rows,
            mse,
            rmse: mse.sqrt(),
            r2,
            mean_error,
            mae: Bounds { lower: mean_error.abs().min(mse.sqrt()), upper: mse.sqrt() },
            deviance: None,
            mse_standard_error: noised.then_some(mse_error),
            r2_standard_error: (noised && r2.is_some()).then_some(r2_error),
        })
    }
}
