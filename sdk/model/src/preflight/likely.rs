//! What rows that were compared say of rows that nobody sees, if these are like them: limits that hold
//! with a stated confidence, whatever the distribution is.

/// How often a limit may fail, of many tables like the rows.
pub(super) const DOUBT: f64 = 0.001;

/// The largest share of rows with some property of which so few as `found` among `rows` would be seen
/// (Clopper and Pearson 1934).
pub(super) fn share(found: usize, rows: usize) -> f64 {
    if found >= rows {
        return 1.0;
    }
    // The chance falls as the share grows.
    let (mut low, mut high) = (found as f64 / rows as f64, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        *(if at_most(found, rows, middle) > DOUBT { &mut low } else { &mut high }) = middle;
    }
    high
}

/// The chance of at most `found` successes in `rows` trials.
fn at_most(found: usize, rows: usize, share: f64) -> f64 {
    let odds = share.ln() - (-share).ln_1p();
    let mut term = rows as f64 * (-share).ln_1p();
    let mut sum = term.exp();
    for at in 1..=found {
        term += odds + ((rows - at + 1) as f64 / at as f64).ln();
        sum += term.exp();
    }
    sum
}

/// The largest mean of numbers between 0 and `most` of which these would be seen (the empirical
/// Bernstein bound of Maurer and Pontil, 2009).
pub(super) fn mean(numbers: &[f64], most: f64) -> f64 {
    let n = numbers.len() as f64;
    if n < 2.0 {
        return most;
    }
    let mean = numbers.iter().sum::<f64>() / n;
    let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let doubt = (2.0 / DOUBT).ln();
    let limit = mean + (2.0 * variance * doubt / n).sqrt() + 7.0 * most * doubt / (3.0 * (n - 1.0));
    limit.min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_clopper_and_pearson() {
        // Without a success the limit is 1 - doubt^(1 / rows).
        assert!((share(0, 100) - (1.0 - DOUBT.powf(0.01))).abs() < 1e-9);
        assert!((share(5, 100) - 0.155_367).abs() < 1e-4, "{}", share(5, 100));
        assert_eq!(share(7, 7), 1.0);
        assert!(share(0, 100_000) < 1e-4 && share(50_000, 100_000) > 0.5);
    }

    #[test]
    fn means_are_above_what_was_seen_and_come_closer_with_more_rows() {
        let numbers = |rows: usize| (0..rows).map(|row| (row % 4) as f64 / 10.0).collect::<Vec<_>>();
        let (few, many) = (mean(&numbers(40), 1.0), mean(&numbers(4_000), 1.0));
        assert!(0.15 < many && many < few && few < 1.0, "{many}, {few}");
        assert!(many < 0.17, "{many}");
        assert_eq!(mean(&[0.1], 0.5), 0.5);
    }
}
