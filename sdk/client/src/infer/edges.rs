//! Round public edges for numbers. Bounds are widened to round numbers, so that they do not publish
//! the smallest and largest row exactly; inner edges lie near quantiles.

/// Buckets aimed at.
const BUCKETS: usize = 24;

/// The power of ten below or at `size`, at least 1.
fn magnitude(size: u64) -> i64 {
    let mut unit: u64 = 1;
    while unit <= size / 10 {
        unit *= 10;
    }
    i64::try_from(unit).unwrap_or(1)
}

/// Bounds around `smallest..=largest` at multiples of a tenth of the range's magnitude; the upper
/// one is above `largest`. Zero is not crossed for nothing.
pub(super) fn round_bounds(smallest: i64, largest: i64) -> (i64, i64) {
    let unit = magnitude(largest.abs_diff(smallest).max(1)).max(1);
    let low = smallest.div_euclid(unit) * unit;
    let high = (largest.div_euclid(unit) + 1) * unit;
    (low, high)
}

/// Strictly increasing edges from `low` to above `high`, near the quantiles of a sorted sample.
pub(super) fn quantile_edges(sample: &[i64], low: i64, high: i64) -> Vec<i64> {
    // `high` itself is an admitted value, so the last edge, which is excluded, lies above it.
    let last = high + 1;
    let mut edges = vec![low];
    let quantile = |part: usize| sample.get(part * sample.len() / BUCKETS).copied();
    for part in 1..BUCKETS {
        let (Some(here), Some(next)) = (quantile(part), quantile(part + 1).or(sample.last().copied())) else {
            break;
        };
        let unit = magnitude(next.abs_diff(here).max(1));
        let edge = here.div_euclid(unit) * unit;
        if edges.last().is_some_and(|previous| edge > *previous) && edge < last {
            edges.push(edge);
        }
    }
    edges.push(last);
    edges
}

/// The same edges with as few decimal places as they need, but for the last, which may be rounded
/// up because nothing lies above it.
pub(super) fn coarsest_scale(places: u8, mut edges: Vec<i64>) -> (u8, Vec<i64>) {
    let mut scale = places;
    let inner = edges.len() - 1;
    while scale > 0 && edges[..inner].iter().all(|edge| edge % 10 == 0) {
        for edge in &mut edges[..inner] {
            *edge /= 10;
        }
        edges[inner] = edges[inner].div_euclid(10) + 1;
        scale -= 1;
    }
    (scale, edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_round_and_hold_all_values() {
        assert_eq!(round_bounds(250, 18_424), (0, 20_000));
        assert_eq!(round_bounds(-7, 1_234), (-1_000, 2_000));
        assert_eq!(round_bounds(5, 5), (5, 6));
        assert_eq!(round_bounds(143, 985), (100, 1_000));
    }

    #[test]
    fn edges_increase_and_cover_every_value() {
        let sample: Vec<i64> = (0..1000).map(|i| i * i / 50).collect();
        let (low, high) = round_bounds(sample[0], sample[999]);
        let edges = quantile_edges(&sample, low, high);
        assert!(edges.is_sorted_by(|a, b| a < b), "{edges:?}");
        assert!((12..=25).contains(&edges.len()), "{edges:?}");
        assert!(edges[0] <= sample[0] && edges[edges.len() - 1] > high);
        let (scale, coarse) = coarsest_scale(3, vec![0, 1_000, 2_500, 3_001]);
        assert_eq!((scale, coarse), (1, vec![0, 10, 25, 31]));
    }
}
