//! From released counts to metrics. Counts may carry noise: a negative one counts as 0. Nothing here
//! sees a row.

mod confusion;
mod groups;
mod probabilities;
mod ranking;
mod residuals;

pub use self::{
    confusion::{ClassMetrics, Confusion, ConfusionMetrics},
    groups::{Fairness, GroupMetrics, by_group},
    probabilities::{CalibrationBin, calibration, log_loss},
    ranking::{LiftDecile, RocPoint, ScoreHistogram},
    residuals::{ErrorBounds, ResidualHistogram},
};

/// Counts that cannot be turned into metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// A list has another length than expected.
    #[error("{what}: {found} entries, expected {expected}")]
    Length {
        /// Which list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// What it should be.
        expected: usize,
    },
    /// Edges of a histogram do not increase, or are not numbers.
    #[error("the edges of a histogram must be numbers that increase strictly")]
    Edges,
    /// Probabilities outside 0 to 1.
    #[error("the edges of a histogram of probabilities must lie between 0 and 1")]
    Probabilities,
    /// There is nothing to measure.
    #[error("all counts are 0: widen the cohort or the predicate")]
    Empty,
}

/// An interval that holds the exact metric.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// It is at least this.
    pub lower: f64,
    /// It is at most this.
    pub upper: f64,
}

/// A count without noise below 0.
pub(crate) fn count(released: i64) -> f64 {
    released.max(0) as f64
}

/// A ratio; `None` when nothing is counted.
pub(crate) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

pub(crate) const fn check_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), MetricError> {
    if found == expected { Ok(()) } else { Err(MetricError::Length { what, found, expected }) }
}

pub(crate) fn check_edges(edges: &[f64]) -> Result<(), MetricError> {
    // NaN compares as false and is refused, too.
    if edges.len() >= 2 && edges.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(());
    }
    Err(MetricError::Edges)
}
