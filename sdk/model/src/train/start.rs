//! Where clusters start: along the direction in which rows differ most, as far apart as normally
//! distributed rows would be. Nothing is drawn by chance, so a run can be repeated.

use super::{
    error::TrainError,
    moments::Released,
    solve::{self, Matrix},
};

/// So many centres; `unit` is that of each input.
///
/// # Errors
/// When the moments are withheld.
pub(super) fn centres(
    released: &Released,
    unit: &[f64],
    clusters: usize,
) -> Result<Vec<Vec<f64>>, TrainError> {
    let rows = released.rows.or_zero();
    let known =
        released.sums.iter().chain(released.products.iter().flatten()).all(|cell| cell.value.is_some());
    if rows <= 0 || !known {
        return Err(TrainError::NothingReleased("too few rows: widen the predicate".to_owned()));
    }
    let mut covariance = released.centred();
    for (i, row) in covariance.iter_mut().enumerate() {
        row.iter_mut().zip(unit).for_each(|(value, other)| *value *= unit[i] * other / rows as f64);
    }
    let direction = principal(&covariance);
    let spread = solve::dot(&direction, &solve::times(&covariance, &direction)).max(0.0).sqrt();
    let means = released.means();
    let centre = |cluster: usize| {
        let at = normal_quantile((cluster as f64 + 0.5) / clusters as f64) * spread;
        let of_input = means.iter().zip(unit).zip(&direction);
        of_input.map(|((mean, unit), direction)| mean * unit + at * direction).collect()
    };
    Ok((0..clusters).map(centre).collect())
}

/// The direction of most variance, of length 1, by repeated multiplication.
fn principal(covariance: &Matrix) -> Vec<f64> {
    // The row of the largest variance is not at a right angle to it, but for rare cases.
    let largest = (0..covariance.len()).max_by(|a, b| covariance[*a][*a].total_cmp(&covariance[*b][*b]));
    let mut direction = largest.map_or_else(Vec::new, |row| covariance[row].clone());
    for _ in 0..100 {
        direction = solve::times(covariance, &direction);
        let length = solve::dot(&direction, &direction).sqrt();
        if length <= 0.0 || !length.is_finite() {
            return vec![0.0; covariance.len()];
        }
        direction.iter_mut().for_each(|value| *value /= length);
    }
    direction
}

/// The quantile of the normal distribution, by a logistic approximation that is good to a few percent.
fn normal_quantile(share: f64) -> f64 {
    (share / (1.0 - share)).ln() / 1.702
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_direction_is_that_of_most_variance() {
        let direction = principal(&vec![vec![9.0, 0.0], vec![0.0, 1.0]]);
        assert!((direction[0].abs() - 1.0).abs() < 1e-9 && direction[1].abs() < 1e-9);
        assert_eq!(principal(&vec![vec![0.0]]), [0.0]);
    }
}
