//! How good a split is, from sums over the rows of its sides, and how much of that noise can make.

use super::super::task::Criterion;

/// Sums over the rows of a part of a node: counts of classes; or rows, sum and, for boosting, curvature.
pub(super) type Sums = Vec<f64>;

/// What splits make smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gain {
    /// Impurity of counts of classes.
    Gini,
    /// Impurity of counts of classes.
    Entropy,
    /// Squared deviations of a sum: of `[rows, sum, ..]`.
    Variance,
}

impl From<Criterion> for Gain {
    fn from(criterion: Criterion) -> Self {
        match criterion {
            Criterion::Gini => Self::Gini,
            Criterion::Entropy => Self::Entropy,
            Criterion::SquaredError => Self::Variance,
        }
    }
}

impl Gain {
    /// Number of rows.
    pub(super) fn rows(self, sums: &[f64]) -> f64 {
        match self {
            Self::Gini | Self::Entropy => sums.iter().map(|count| count.max(0.0)).sum(),
            Self::Variance => sums[0],
        }
    }

    /// The impurity of a node times its rows; of a variance, but for the sum of squares, which splits keep.
    pub(super) fn impurity(self, sums: &[f64]) -> f64 {
        let rows = self.rows(sums);
        if rows <= 0.0 {
            return 0.0;
        }
        let counts = sums.iter().map(|count| count.max(0.0));
        match self {
            Self::Gini => rows - counts.map(|count| count * count).sum::<f64>() / rows,
            Self::Entropy => {
                counts.filter(|count| *count > 0.0).map(|count| -count * (count / rows).ln()).sum()
            }
            Self::Variance => -sums[1] * sums[1] / rows,
        }
    }

    /// What a split saves.
    pub(super) fn of(self, total: &[f64], left: &[f64]) -> f64 {
        let right = minus(total, left);
        self.impurity(total) - self.impurity(left) - self.impurity(&right)
    }

    /// The standard deviation of the gain when every sum carries noise of these deviations: each is moved
    /// by its own deviation either way, which also shows the bend of the impurity where the slope is 0.
    pub(super) fn deviation(self, total: &[f64], left: &[f64], noise: &[f64]) -> f64 {
        let gain = self.of(total, left);
        let mut variance = 0.0;
        for (position, deviation) in noise.iter().enumerate().filter(|(_, deviation)| **deviation > 0.0) {
            let moved = |side: &[f64], by: f64| {
                let mut side = side.to_vec();
                side[position] += by;
                side
            };
            for of_left in [true, false] {
                let at = |by: f64| {
                    if of_left { self.of(total, &moved(left, by)) } else { self.of(&moved(total, by), left) }
                };
                let (up, down) = (at(*deviation) - gain, at(-deviation) - gain);
                variance += ((up - down) / 2.0).powi(2) + ((up + down) / 2.0).powi(2);
            }
        }
        variance.sqrt()
    }
}

/// How many standard deviations the best of so many candidates stays below by noise alone, but for a
/// chance of 1 in 100.
pub(super) fn multiple(candidates: usize) -> f64 {
    (2.0 * (100.0 * candidates.max(1) as f64).ln()).sqrt()
}

/// Element by element.
pub(super) fn minus(a: &[f64], b: &[f64]) -> Sums {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// Element by element.
pub(super) fn plus(a: &[f64], b: &[f64]) -> Sums {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_split_saves_all_impurity() {
        assert!((Gain::Gini.of(&[50.0, 50.0], &[50.0, 0.0]) - 50.0).abs() < 1e-12);
        assert!((Gain::Entropy.of(&[50.0, 50.0], &[50.0, 0.0]) - 100.0 * 2f64.ln()).abs() < 1e-9);
        // Ten values of 1 and ten of -1.
        assert!((Gain::Variance.of(&[20.0, 0.0], &[10.0, 10.0]) - 20.0).abs() < 1e-12);
        assert!(Gain::Gini.of(&[60.0, 30.0], &[20.0, 10.0]).abs() < 1e-12);
    }

    #[test]
    fn noise_makes_gain_where_there_is_none() {
        let none = Gain::Gini.deviation(&[100.0, 100.0], &[50.0, 50.0], &[0.0, 0.0]);
        let some = Gain::Gini.deviation(&[100.0, 100.0], &[50.0, 50.0], &[10.0, 10.0]);
        assert!(none == 0.0 && some > 0.5, "{none} {some}");
    }
}
