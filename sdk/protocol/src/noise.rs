//! How large the noise of a query is. Platform and gate compute the same scales: the platform to
//! quote them, the gate to add noise of them.
//!
//! One query is (epsilon, delta)-differentially private for adding or removing one row. The budget
//! is converted to zero-concentrated differential privacy (Bun and Steinke 2016, proposition 1.3:
//! rho-zCDP implies (rho + 2 sqrt(rho ln(1/delta)), delta)-DP) and shared in equal parts by the
//! quantities of the query. A row is in one group only, so the groups of a quantity compose in parallel,
//! and the L2 sensitivity of its vector of groups is the largest value one row contributes.
//!
//! The row count is always one of the quantities: even when no output shows it, the minimum cohort is
//! decided by it, and what decides must be noised as well.

use crate::{
    policy::Noise,
    query::{Quantity, Query},
    schema::Schema,
};

/// Standard deviation of the noise of each quantity, in the order of
/// [`crate::query::Requirements::quantities`]; all zero without noise.
pub fn scales(schema: &Schema, query: &Query, noise: &Noise) -> Vec<f64> {
    let quantities = query.requirements(schema).quantities;
    let share = share(quantities.len(), noise);
    quantities.iter().map(|quantity| scale(sensitivity(schema, quantity), share)).collect()
}

/// The largest value that one row adds to a quantity: the L2 sensitivity of its vector of groups. A row
/// is in one group, and in one count of a histogram.
pub fn sensitivity(schema: &Schema, quantity: &Quantity) -> f64 {
    let (low, high) = quantity.range(schema);
    low.unsigned_abs().max(high.unsigned_abs()) as f64
}

/// The rho of zero-concentrated differential privacy that gives (epsilon, delta).
pub fn rho(epsilon: f64, delta_exponent: u8) -> f64 {
    let log_inverse_delta = f64::from(delta_exponent) * std::f64::consts::LN_10;
    let root = (log_inverse_delta + epsilon).sqrt() - log_inverse_delta.sqrt();
    root * root
}

/// The natural logarithm of 100: a value that noise decides is released with a chance below 1 in 100.
const LN_100: f64 = 2.0 * std::f64::consts::LN_10;

/// The smallest noised count of a code that shows that it occurs: at least the cohort, and what noise of
/// standard deviation `scale` alone gives any of `codes` codes with a chance below 1 in 100.
///
/// Discrete Gaussian noise is sub-Gaussian (Canonne, Kamath and Steinke 2020): it is t or more with a
/// chance of at most exp(-t^2 / (2 scale^2)), and the chances of the codes add up. That is about three
/// standard deviations for a few codes and five for thousands, of which some always pass three.
pub fn least_count(scale: f64, codes: usize, cohort: i64) -> i64 {
    whole(scale * (2.0 * (LN_100 + (codes.max(1) as f64).ln())).sqrt()).max(cohort)
}

/// How far noise of standard deviation `scale` in each of `codes` counts shifts the rank of any of them,
/// but for a chance of 1 in 100. Noise adds up to the square root of their number only, and by Doob's
/// inequality no partial sum needs more room than the whole.
pub fn drift(scale: f64, codes: usize) -> i64 {
    whole(scale * (2.0 * LN_100 * codes as f64).sqrt())
}

/// Rounded up; what does not fit is the largest integer.
fn whole(count: f64) -> i64 {
    count.ceil() as i64
}

/// The rho of one of so many quantities; `None` without noise.
fn share(quantities: usize, noise: &Noise) -> Option<f64> {
    match noise {
        Noise::None => None,
        Noise::DiscreteGaussian { epsilon_per_query, delta_exponent } => {
            Some(rho(epsilon_per_query.as_f64(), *delta_exponent) / quantities as f64)
        }
    }
}

fn scale(sensitivity: f64, share: Option<f64>) -> f64 {
    // Rounded up a little, so that floating point never makes the noise smaller than proven.
    share.map_or(0.0, |rho| sensitivity / (2.0 * rho).sqrt() * (1.0 + 1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::Digest,
        policy::Epsilon,
        predicate::Predicate,
        query::{Expression, Output, Value},
        schema::{Column, ColumnId, Measure},
    };

    fn schema() -> Schema {
        let column = Column {
            name: "amount".to_owned(),
            description: String::new(),
            nullable: false,
            dimension: None,
            measure: Some(Measure { scale: 0, min: -10, max: 100 }),
        };
        Schema { table: "t".to_owned(), null_values: vec![], columns: vec![column] }
    }

    fn query(expressions: &[Expression]) -> Query {
        let output =
            |expression: &Expression| Output { name: "x".to_owned(), expression: expression.clone() };
        Query {
            dataset: Digest::from_bytes([0; 32]),
            outputs: expressions.iter().map(output).collect(),
            predicate: Predicate::All,
            groups: vec![],
            scores: Vec::new(),
        }
    }

    #[test]
    fn rho_gives_back_epsilon() {
        for (epsilon, exponent) in [(0.1, 6), (1.0, 9), (10.0, 1)] {
            let rho = rho(epsilon, exponent);
            let log = f64::from(exponent) * std::f64::consts::LN_10;
            assert!((rho + 2.0 * (rho * log).sqrt() - epsilon).abs() < 1e-9);
        }
    }

    #[test]
    fn thresholds_grow_slowly_with_the_number_of_codes() {
        assert_eq!((least_count(100.0, 1, 10), drift(100.0, 1)), (304, 304));
        assert_eq!((least_count(100.0, 4_096, 10), drift(100.0, 4_096)), (509, 19_424));
        assert_eq!(least_count(100.0, 8, 400), 400, "the cohort is larger");
        assert_eq!((least_count(0.0, 4_096, 10), drift(0.0, 4_096)), (10, 0));
        assert_eq!(least_count(1e300, 8, 1), i64::MAX);
    }

    #[test]
    fn quantities_share_the_budget_and_sums_are_noised_by_their_largest_value() {
        let noise =
            Noise::DiscreteGaussian { epsilon_per_query: Epsilon::millionths(1_000_000), delta_exponent: 6 };
        let (schema, average) =
            (schema(), query(&[Expression::Average(Value::measure(&schema(), ColumnId(0)))]));
        let both = scales(&schema, &average, &noise);
        assert_eq!(both.len(), 2);
        assert!((both[1] / both[0] - 100.0).abs() < 1e-6);
        let count = scales(&schema, &query(&[Expression::Count(Predicate::All)]), &noise);
        assert!((both[0] / count[0] - 2f64.sqrt()).abs() < 1e-9);
        assert_eq!(scales(&schema, &average, &Noise::None), vec![0.0, 0.0]);
    }
}
