//! Statistics from exact sums. Everything is computed in integers until the last division, so that
//! nothing cancels.

use crate::query::{Pair, Spread};

/// Count, sum and sum of squares of a value in units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) count: i64,
    pub(super) sum: i64,
    pub(super) squares: i64,
}

/// `n` times the sum of products less the product of the sums: `n^2` times a covariance.
fn centred(count: i64, products: i64, one: i64, other: i64) -> f64 {
    let (count, products) = (i128::from(count), i128::from(products));
    (count * products - i128::from(one) * i128::from(other)) as f64
}

/// `None` is SQL's NULL. `unit` is what one unit of the value is worth.
pub(super) fn spread(statistic: Spread, of: Moments, unit: f64) -> Option<f64> {
    let count = of.count as f64;
    // Noise may make it negative; a variance never is.
    let centred = centred(of.count, of.squares, of.sum, of.sum).max(0.0) * unit * unit;
    let population = (of.count >= 1).then(|| centred / (count * count));
    let sample = (of.count >= 2).then(|| centred / (count * (count - 1.0)));
    match statistic {
        Spread::VariancePopulation => population,
        Spread::VarianceSample => sample,
        Spread::DeviationPopulation => population.map(f64::sqrt),
        Spread::DeviationSample => sample.map(f64::sqrt),
    }
}

/// Sums over pairs, each value in its own units; what a statistic does not need is 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairSums {
    pub(super) count: i64,
    pub(super) y: i64,
    pub(super) x: i64,
    pub(super) xy: i64,
    pub(super) xx: i64,
    pub(super) yy: i64,
}

/// `None` is SQL's NULL: too few pairs, or a division by a variance of zero.
pub(super) fn pair(statistic: Pair, of: PairSums, unit_y: f64, unit_x: f64) -> Option<f64> {
    let count = of.count as f64;
    let cross = centred(of.count, of.xy, of.x, of.y);
    let var_x = || Some(centred(of.count, of.xx, of.x, of.x)).filter(|v| *v > 0.0);
    let var_y = || centred(of.count, of.yy, of.y, of.y).max(0.0);
    if of.count < 1 {
        return None;
    }
    match statistic {
        Pair::CovariancePopulation => Some(cross * unit_x * unit_y / (count * count)),
        Pair::CovarianceSample => (of.count >= 2).then(|| cross * unit_x * unit_y / (count * (count - 1.0))),
        Pair::Correlation => Some(cross / (var_x()?.sqrt() * var_y().sqrt())).filter(|r| r.is_finite()),
        Pair::Slope => Some(cross / var_x()? * unit_y / unit_x),
        Pair::Intercept => Some((of.y as f64 - cross / var_x()? * of.x as f64) / count * unit_y),
        Pair::R2 => {
            let (var_x, var_y) = (var_x()?, var_y());
            // A constant y is predicted perfectly.
            Some(if var_y == 0.0 { 1.0 } else { cross / var_x * (cross / var_y) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_those_of_the_textbook() {
        // 2, 4, 4, 4, 5, 5, 7, 9 in tenths.
        let of = Moments { count: 8, sum: 40, squares: 232 };
        assert_eq!(spread(Spread::DeviationPopulation, of, 0.1), Some(0.2));
        let sample = spread(Spread::VarianceSample, of, 1.0).expect("enough values");
        assert!((sample - 32.0 / 7.0).abs() < 1e-12);
        let one = Moments { count: 1, sum: 3, squares: 9 };
        assert_eq!(spread(Spread::VarianceSample, one, 1.0), None);
        assert_eq!(spread(Spread::VariancePopulation, one, 1.0), Some(0.0));
        assert_eq!(spread(Spread::VariancePopulation, Moments { count: 0, sum: 0, squares: 0 }, 1.0), None);
    }

    #[test]
    fn a_line_is_found_exactly() {
        // y = 3 x + 1 at x = 0, 1, 2, with y in tenths.
        let of = PairSums { count: 3, y: 120, x: 3, xy: 180, xx: 5, yy: 6_600 };
        let at = |statistic| pair(statistic, of, 0.1, 1.0).expect("defined");
        assert!((at(Pair::Slope) - 3.0).abs() < 1e-12);
        assert!((at(Pair::Intercept) - 1.0).abs() < 1e-12);
        assert!((at(Pair::R2) - 1.0).abs() < 1e-12);
        assert!((at(Pair::Correlation) - 1.0).abs() < 1e-12);
        assert!((at(Pair::CovarianceSample) - 3.0).abs() < 1e-12);
        let flat = PairSums { xx: 3, x: 3, xy: 120, ..of };
        assert_eq!(pair(Pair::Slope, flat, 1.0, 1.0), None, "all x are the same");
    }
}
