//! Bounds of RMSE and MAE from a histogram of residuals.

use serde::{Deserialize, Serialize};

use super::{Bounds, MetricError, check_edges, check_length, count, ratio};

/// Rows by bucket of the residual (predicted minus actual).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualHistogram {
    /// Edges of the buckets, ascending; one more than there are buckets. All residuals lie within.
    edges: Vec<f64>,
    counts: Vec<i64>,
}

/// Bounds of the errors of a regression.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorBounds {
    /// Rows.
    pub rows: f64,
    /// Root of the mean squared residual.
    pub rmse: Bounds,
    /// Mean absolute residual.
    pub mae: Bounds,
}

impl ResidualHistogram {
    /// From edges and counts.
    ///
    /// # Errors
    /// When edges do not increase or lengths differ.
    pub fn new(edges: Vec<f64>, counts: Vec<i64>) -> Result<Self, MetricError> {
        check_edges(&edges)?;
        check_length("counts of residuals", counts.len(), edges.len() - 1)?;
        Ok(Self { edges, counts })
    }

    /// Bounds that hold wherever in its bucket each residual is.
    ///
    /// # Errors
    /// When there is no row.
    pub fn bounds(&self) -> Result<ErrorBounds, MetricError> {
        let (mut rows, mut absolute, mut squared) = (0.0, (0.0, 0.0), (0.0, 0.0));
        for (released, edges) in self.counts.iter().zip(self.edges.windows(2)) {
            let found = count(*released);
            let (low, high) = (edges[0], edges[1]);
            let largest = low.abs().max(high.abs());
            let smallest = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
            rows += found;
            absolute = (absolute.0 + found * smallest, absolute.1 + found * largest);
            squared = (squared.0 + found * smallest * smallest, squared.1 + found * largest * largest);
        }
        let mean = |sums: (f64, f64)| {
            let lower = ratio(sums.0, rows).ok_or(MetricError::Empty)?;
            let upper = ratio(sums.1, rows).ok_or(MetricError::Empty)?;
            Ok(Bounds { lower, upper })
        };
        let (mae, mse) = (mean(absolute)?, mean(squared)?);
        Ok(ErrorBounds { rows, rmse: Bounds { lower: mse.lower.sqrt(), upper: mse.upper.sqrt() }, mae })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_around_zero_may_hold_no_error() {
        let histogram =
            ResidualHistogram::new(vec![-2.0, -1.0, 1.0, 3.0], vec![1, 2, 1]).expect("a histogram");
        let bounds = histogram.bounds().expect("rows");
        assert_eq!(bounds.mae, Bounds { lower: 0.5, upper: 1.75 });
        assert_eq!(bounds.rmse.lower, (0.5f64).sqrt());
        assert_eq!(bounds.rmse.upper, ((4.0 + 2.0 + 9.0) / 4.0f64).sqrt());
        assert!(ResidualHistogram::new(vec![1.0, 1.0], vec![1]).is_err());
    }
}
