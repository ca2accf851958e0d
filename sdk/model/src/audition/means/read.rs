//! From sums by predicted number to the errors of a regression.

use sordino_protocol::answer::Answer;

use super::{super::numbers::variance, MeanReading};
use crate::{
    audition::{ReadError, Regression, RegressionGroup},
    metrics::Bounds,
};

/// Sums over cells, in units of the label. Within a cell there is one predicted number.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
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
    shown: usize,
    withheld: usize,
}

pub(in super::super) fn read(reading: &MeanReading, answer: &Answer) -> Result<Regression, ReadError> {
    let of_groups = reading.groups.as_ref().map_or(1, Vec::len);
    if answer.groups.len() != reading.predicted.len() * of_groups {
        return Err(ReadError::NotThis("it has another number of groups"));
    }
    let noise = |position: usize| variance(answer, position);
    let noise = [noise(reading.rows)?, noise(reading.label)?, noise(reading.label_squares)?];
    let mut sums = vec![Sums::default(); of_groups];
    for (index, group) in answer.groups.iter().enumerate() {
        let (sums, predicted) = (&mut sums[index % of_groups], reading.predicted[index / of_groups]);
        let at = |position: usize| group.values.as_ref()?.get(position).copied().flatten();
        match (at(reading.rows), at(reading.label), at(reading.label_squares)) {
            (Some(rows), Some(label), Some(squares)) => {
                let unit = reading.label_unit;
                let cell = [rows as f64, label as f64 * unit, squares as f64 * unit * unit];
                sums.add(predicted, cell, [noise[0], noise[1] * unit.powi(2), noise[2] * unit.powi(4)]);
            }
            // With a cohort of one, what is not shown has no rows.
            _ => sums.withheld += usize::from(answer.min_cohort > 1),
        }
    }
    if sums.iter().all(|sums| sums.shown == 0) {
        return Err(ReadError::Withheld { min_cohort: answer.min_cohort });
    }
    let all = sums.iter().copied().reduce(Sums::plus).unwrap_or_default();
    let names = || reading.groups.iter().flatten().zip(&sums);
    Ok(Regression {
        min_cohort: answer.min_cohort,
        all: all.metrics(reading, ""),
        groups: names().filter_map(|(name, sums)| sums.metrics(reading, name)).collect(),
        withheld: names().filter(|(_, sums)| sums.shown == 0).map(|(name, _)| name.clone()).collect(),
        cells_withheld: all.withheld,
    })
}

impl Sums {
    fn add(&mut self, predicted: f64, [rows, label, squares]: [f64; 3], noise: [f64; 3]) {
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
        self.squares_noise += predicted.powi(4) * noise[0] + 4.0 * predicted.powi(2) * noise[1] + noise[2];
        self.rows_noise += noise[0];
        self.spread_noise += noise[2];
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
    fn metrics(&self, reading: &MeanReading, name: &str) -> Option<RegressionGroup> {
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
        Some(RegressionGroup {
            group: name.to_owned(),
            rows: self.rows,
            mse,
            rmse: mse.sqrt(),
            r2,
            mean_error: self.errors / self.rows,
            mae: Bounds { lower: of_means.min(mse.sqrt()), upper: mse.sqrt() },
            deviance: reading.of_counts.then(|| Bounds {
                lower: (self.deviance.0 / self.rows).max(0.0),
                upper: (self.deviance.1 / self.rows).max(0.0),
            }),
            mse_standard_error: noised.then_some(mse_error),
            r2_standard_error: (noised && r2.is_some()).then_some(r2_error),
        })
    }
}
