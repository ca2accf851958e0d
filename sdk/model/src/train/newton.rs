//! Generalised linear models with one score by Newton steps, over weighted cells instead of rows.

use super::solve::{self, Inverse, Matrix};

/// A link and the distribution that it is canonical for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// A share of rows, by the logistic function.
    Logistic,
    /// A mean, by the exponential.
    Poisson,
}

/// Rows that share their features.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weighted {
    pub(super) features: Vec<f64>,
    /// Number of rows; above 0.
    pub(super) rows: f64,
    /// Sum of the label.
    pub(super) sum: f64,
    /// Variance of the noise in the rows, and in the sum.
    pub(super) noise: [f64; 2],
}

/// A fit: the intercept, then the weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    pub(super) parameters: Vec<f64>,
    /// What noise does to each.
    pub(super) errors: Vec<f64>,
    /// Whether the steps came to rest.
    pub(super) converged: bool,
}

const STEPS: usize = 100;

impl Family {
    /// The expected label of a row, and its derivative by the score.
    fn mean(self, score: f64) -> (f64, f64) {
        match self {
            Self::Logistic => {
                let mean = crate::model::sigmoid(score);
                (mean, mean * (1.0 - mean))
            }
            Self::Poisson => {
                let mean = score.min(300.0).exp();
                (mean, mean)
            }
        }
    }

    /// Minus the log likelihood of a row, but for what the score does not change.
    fn loss(self, rows: f64, sum: f64, score: f64) -> f64 {
        match self {
            // ln(1 + exp(score)) without overflow.
            Self::Logistic => rows * (score.max(0.0) + (-score.abs()).exp().ln_1p()) - sum * score,
            Self::Poisson => rows * score.min(300.0).exp() - sum * score,
        }
    }

    /// Minimises the loss plus `penalty / 2` times the squared weights; the intercept is not penalised.
    pub(super) fn fit(self, cells: &[Weighted], penalty: f64) -> Fit {
        let width = cells.first().map_or(0, |cell| cell.features.len()) + 1;
        let mut parameters = vec![0.0; width];
        parameters[0] = self.start(cells);
        let (mut converged, mut step) = (false, self.step(cells, penalty, &parameters));
        for _ in 0..STEPS {
            let (before, slope) = (self.total(cells, penalty, &parameters), solve::dot(&step.1, &step.0));
            if slope.abs() <= 1e-12 * (1.0 + before.abs()) {
                // So near, one more step is worth as many digits again.
                parameters.iter_mut().zip(&step.0).for_each(|(parameter, step)| *parameter -= step);
                converged = true;
                break;
            }
            // Halved until the loss gets smaller: far from the minimum a full step may overshoot.
            let moved = (0..40).map(|halvings| 0.5f64.powi(halvings)).find_map(|share| {
                let moved: Vec<f64> = parameters.iter().zip(&step.0).map(|(p, s)| p - share * s).collect();
                (self.total(cells, penalty, &moved) <= before - 1e-4 * share * slope).then_some(moved)
            });
            let Some(moved) = moved else { break };
            parameters = moved;
            step = self.step(cells, penalty, &parameters);
        }
        let errors = self.errors(cells, &parameters, &step.2);
        Fit { parameters, errors, converged }
    }

    /// The intercept of a model that knows nothing else.
    fn start(self, cells: &[Weighted]) -> f64 {
        let rows: f64 = cells.iter().map(|cell| cell.rows).sum();
        let sum: f64 = cells.iter().map(|cell| cell.sum).sum();
        match self {
            Self::Logistic => ((sum + 0.5) / (rows - sum + 0.5)).max(1e-6).ln(),
            Self::Poisson => (sum.max(0.5) / rows).ln(),
        }
    }

    fn total(self, cells: &[Weighted], penalty: f64, parameters: &[f64]) -> f64 {
        let weights: f64 = parameters[1..].iter().map(|weight| weight * weight).sum();
        let losses = cells.iter().map(|cell| self.loss(cell.rows, cell.sum, score(cell, parameters)));
        losses.sum::<f64>() + penalty / 2.0 * weights
    }

    /// The Newton step, the gradient, and the inverse of the curvature.
    fn step(self, cells: &[Weighted], penalty: f64, parameters: &[f64]) -> (Vec<f64>, Vec<f64>, Inverse) {
        let width = parameters.len();
        let mut gradient: Vec<f64> = parameters.iter().map(|parameter| penalty * parameter).collect();
        gradient[0] = 0.0;
        let mut curvature: Matrix = vec![vec![0.0; width]; width];
        (1..width).for_each(|i| curvature[i][i] = penalty);
        for cell in cells {
            let (mean, slope) = self.mean(score(cell, parameters));
            let x = extended(cell);
            for i in 0..width {
                gradient[i] += (cell.rows * mean - cell.sum) * x[i];
                for j in 0..width {
                    curvature[i][j] += cell.rows * slope * x[i] * x[j];
                }
            }
        }
        let inverse = solve::invert(&curvature);
        (solve::times(&inverse.matrix, &gradient), gradient, inverse)
    }

    /// Standard errors, as far as noise in the cells causes them: a cell that is off moves the gradient.
    fn errors(self, cells: &[Weighted], parameters: &[f64], inverse: &Inverse) -> Vec<f64> {
        let width = parameters.len();
        let mut middle: Matrix = vec![vec![0.0; width]; width];
        for cell in cells {
            let mean = self.mean(score(cell, parameters)).0;
            let variance = mean * mean * cell.noise[0] + cell.noise[1];
            let x = extended(cell);
            for i in 0..width {
                for j in 0..width {
                    middle[i][j] += variance * x[i] * x[j];
                }
            }
        }
        solve::sandwich(&inverse.matrix, &middle)
    }
}

fn score(cell: &Weighted, parameters: &[f64]) -> f64 {
    parameters[0] + solve::dot(&cell.features, &parameters[1..])
}

/// With the constant in front.
fn extended(cell: &Weighted) -> Vec<f64> {
    [&[1.0], cell.features.as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(x: f64, rows: f64, sum: f64) -> Weighted {
        Weighted { features: vec![x], rows, sum, noise: [0.0, 0.0] }
    }

    #[test]
    fn two_cells_are_fitted_exactly() {
        let logistic = Family::Logistic.fit(&[cell(0.0, 100.0, 20.0), cell(1.0, 100.0, 60.0)], 0.0);
        assert!(logistic.converged);
        assert!((logistic.parameters[0] - (0.25f64).ln()).abs() < 1e-9);
        assert!((logistic.parameters[1] - (1.5f64 / 0.25).ln()).abs() < 1e-9);
        let poisson = Family::Poisson.fit(&[cell(0.0, 10.0, 20.0), cell(1.0, 10.0, 60.0)], 0.0);
        assert!((poisson.parameters[1] - 3f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn cells_that_separate_need_a_penalty_to_come_to_rest() {
        let cells = [cell(0.0, 100.0, 0.0), cell(1.0, 100.0, 100.0)];
        let fit = Family::Logistic.fit(&cells, 1.0);
        assert!(fit.converged && fit.parameters[1] > 2.0 && fit.parameters[1] < 20.0);
    }
}
