//! Calibration and log loss from a histogram whose scores are probabilities of the positive class.

use serde::{Deserialize, Serialize};

use super::{Bounds, MetricError, ranking::ScoreHistogram, ratio};

/// The smallest probability that a logarithm is taken of: that of scikit-learn, the spacing of 64-bit
/// numbers at 1.
const SMALLEST: f64 = f64::EPSILON;

/// A bucket of predicted probabilities and what came true.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationBin {
    /// Smallest predicted probability.
    pub low: f64,
    /// Largest predicted probability.
    pub high: f64,
    /// Rows.
    pub rows: f64,
    /// Share of positive rows; `None` in an empty bucket.
    pub observed: Option<f64>,
}

fn check(histogram: &ScoreHistogram) -> Result<(), MetricError> {
    if histogram.edges().iter().all(|edge| (0.0..=1.0).contains(edge)) {
        return Ok(());
    }
    Err(MetricError::Probabilities)
}

/// Predicted against observed probabilities, by bucket.
///
/// # Errors
/// When the edges are no probabilities.
pub fn calibration(histogram: &ScoreHistogram) -> Result<Vec<CalibrationBin>, MetricError> {
    check(histogram)?;
    let bin = |((no, yes), edges): ((f64, f64), &[f64])| CalibrationBin {
        low: edges[0],
        high: edges[1],
        rows: no + yes,
        observed: ratio(yes, no + yes),
    };
    Ok(histogram.counts().zip(histogram.edges().windows(2)).map(bin).collect())
}

/// Bounds of the mean negative log likelihood: every row has a probability within its bucket.
///
/// # Errors
/// When the edges are no probabilities, or there is no row.
pub fn log_loss(histogram: &ScoreHistogram) -> Result<Bounds, MetricError> {
    check(histogram)?;
    let loss = |probability: f64| -probability.clamp(SMALLEST, 1.0).ln();
    let (mut lower, mut upper, mut rows) = (0.0, 0.0, 0.0);
    for ((no, yes), edges) in histogram.counts().zip(histogram.edges().windows(2)) {
        lower += yes * loss(edges[1]) + no * loss(1.0 - edges[0]);
        upper += yes * loss(edges[0]) + no * loss(1.0 - edges[1]);
        rows += no + yes;
    }
    let bounds = ratio(lower, rows).zip(ratio(upper, rows));
    bounds.map(|(lower, upper)| Bounds { lower, upper }).ok_or(MetricError::Empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_loss_of_any_rows_in_the_buckets_is_within_bounds() {
        let histogram = ScoreHistogram::new(vec![0.0, 0.25, 0.5, 1.0], vec![1, 0, 1], vec![0, 1, 1])
            .expect("a histogram");
        let bounds = log_loss(&histogram).expect("rows");
        let rows: [(f64, bool); 4] = [(0.1, false), (0.3, true), (0.9, true), (0.6, false)];
        let exact = rows.iter().map(|(p, yes)| -(if *yes { *p } else { 1.0 - p }).ln()).sum::<f64>() / 4.0;
        assert!(bounds.lower <= exact && exact <= bounds.upper, "{bounds:?}, {exact}");
        let bins = calibration(&histogram).expect("probabilities");
        assert_eq!(bins[2].observed, Some(0.5));
        let scores = ScoreHistogram::new(vec![-3.0, 3.0], vec![1], vec![1]).expect("a histogram");
        assert_eq!(log_loss(&scores), Err(MetricError::Probabilities));
    }
}
