//! Sums over rows that have one predicted number, and the errors of a regression that follow from them.

use super::{ReadError, Regression, RegressionGroup};
use crate::metrics::Bounds;

/// What the numbers are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of {
    /// Means of counts: there is a deviance.
    pub(super) counts: bool,
    /// All rows that are added together have one label, too.
    pub(super) single: bool,
}

/// Variances of noise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    /// In the number of rows.
    pub(super) rows: f64,
    /// In the sum of squared errors.
    pub(super) squares: f64,
    /// In the sum of squared labels.
    pub(super) spread: f64,
}

/// Sums over cells, in units of the label. Within a cell there is one predicted number.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    rows: f64,
    label: f64,
    label_squares: f64,
    errors: f64,
    squares: f64,
    /// Of each cell the error of its mean, without its sign.
    of_means: f64,
    /// Twice what counts are less likely than if their means had been predicted, at least and at most.
    deviance: (f64, f64),
    /// Variance of the noise of the sum of squares, and of what the label varies.
    squares_noise: f64,
    spread_noise: f64,
    rows_noise: f64,
    pub(super) shown: usize,
    pub(super) withheld: usize,
}

/// The metrics of groups, one `Sums` for each of them.
pub(super) fn regression(
    of: Of,
    sums: &[Sums],
    names: Option<&[String]>,
    min_cohort: u32,
) -> Result<Regression, ReadError> {
    if sums.iter().all(|sums| sums.shown == 0) {
        return Err(ReadError::Withheld { min_cohort });
    }
    let all = sums.iter().copied().reduce(Sums::plus).unwrap_or_default();
    let names = || names.into_iter().flatten().zip(sums);
    Ok(Regression {
        min_cohort,
        all: all.metrics(of, ""),
        groups: names().filter_map(|(name, sums)| sums.metrics(of, name)).collect(),
        withheld: names().filter(|(_, sums)| sums.shown == 0).map(|(name, _)| name.clone()).collect(),
        cells_withheld: all.withheld,
    })
}

impl Sums {
    /// Adds rows with one predicted number: how many there are, the sum of their labels, and of the squares
    /// of these; and the noise that the sums carry.
    pub(super) fn add(&mut self, predicted: f64, [rows, label, squares]: [f64; 3], noise: Noise) {
        self.rows += rows;
        self.label += label;
        self.label_squares += squares;
        self.errors += rows * predicted - label;
        self.squares += rows * predicted * predicted - 2.0 * predicted * label + squares;
        self.of_means += (rows * predicted - label).abs();
        let mut deviance = 2.0 * (rows * predicted - label);
        let mut rest = 0.0;
        if rows > 0.0 && label > 0.0 {
            let mean = label / rows;
            deviance += 2.0 * label * (mean / predicted).ln();
            // y ln y is convex, and below its tangent at the mean times y.
            rest = 2.0 * (squares / mean - label).max(0.0);
        }
        self.deviance = (self.deviance.0 + deviance, self.deviance.1 + deviance + rest);
        self.squares_noise += noise.squares;
        self.rows_noise += noise.rows;
        self.spread_noise += noise.spread;
        self.shown += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            label: self.label + other.label,
            label_squares: self.label_squares + other.label_squares,
            errors: self.errors + other.errors,
            squares: self.squares + other.squares,
            of_means: self.of_means + other.of_means,
            deviance: (self.deviance.0 + other.deviance.0, self.deviance.1 + other.deviance.1),
            squares_noise: self.squares_noise + other.squares_noise,
            spread_noise: self.spread_noise + other.spread_noise,
            rows_noise: self.rows_noise + other.rows_noise,
            shown: self.shown + other.shown,
            withheld: self.withheld + other.withheld,
        }
    }

    /// `None` when there is no row, or noise leaves none.
    fn metrics(&self, of: Of, name: &str) -> Option<RegressionGroup> {
        if self.rows < 1.0 {
            return None;
        }
        // Noise may make it negative; a square never is.
        let squares = self.squares.max(0.0);
        let (mse, mean) = (squares / self.rows, self.label / self.rows);
        let spread = self.label_squares - self.label * mean;
        let r2 = (spread > 0.0).then(|| 1.0 - squares / spread);
        let noised = self.rows_noise > 0.0;
        let mse_error = (self.squares_noise + mse * mse * self.rows_noise).sqrt() / self.rows;
        let of_spread = self.spread_noise + mean.powi(4) * self.rows_noise;
        let r2_error = (self.squares_noise + (squares / spread).powi(2) * of_spread).sqrt() / spread;
        let of_means = self.of_means / self.rows;
        let upper = if of.single { of_means } else { mse.sqrt() };
        Some(RegressionGroup {
            group: name.to_owned(),
            rows: self.rows,
            mse,
            rmse: mse.sqrt(),
            r2,
            mean_error: self.errors / self.rows,
            mae: Bounds { lower: of_means.min(upper), upper },
            deviance: of.counts.then(|| Bounds {
                lower: (self.deviance.0 / self.rows).max(0.0),
                upper: (self.deviance.1 / self.rows).max(0.0),
            }),
            mse_standard_error: noised.then_some(mse_error),
            r2_standard_error: (noised && r2.is_some()).then_some(r2_error),
        })
    }
}
