//! How large the noise of a query is. Platform and gate compute the same scales: the platform to
//! quote them, the gate to add noise of them.
//!
//! One query is (epsilon, delta)-differentially private for adding or removing one row. The budget
//! is converted to zero-concentrated differential privacy (Bun and Steinke 2016, proposition 1.3:
//! rho-zCDP implies (rho + 2 sqrt(rho ln(1/delta)), delta)-DP) and shared in equal parts by the terms
//! of the query. A row is in one group only, so the groups of a term compose in parallel, and the L2
//! sensitivity of a term's vector of groups is the largest value one row contributes.
//!
//! The row count is always one of the terms: even when no output shows it, the minimum cohort is
//! decided by it, and what decides must be noised as well.

use crate::{
    policy::Noise,
    query::{Query, Term},
    schema::{ColumnId, Schema},
};

/// Standard deviation of the noise of each released term, in the order of
/// [`Query::released_terms`]; all zero without noise.
pub fn scales(schema: &Schema, query: &Query, noise: &Noise) -> Vec<f64> {
    let share = share(schema, query, noise);
    query.released_terms(schema).into_iter().map(|term| scale(sensitivity(schema, term), share)).collect()
}

/// Standard deviation of the noise of the row count that is compared with the minimum cohort.
pub fn cohort_scale(schema: &Schema, query: &Query, noise: &Noise) -> f64 {
    scale(sensitivity(schema, Term::Rows), share(schema, query, noise))
}

/// The largest value that one row adds to a term, offsets included: the L2 sensitivity of the
/// term's vector of groups.
pub fn sensitivity(schema: &Schema, term: Term) -> f64 {
    let width = |id: ColumnId| schema.column(id).measure.as_ref().map_or(0.0, |m| m.width() as f64);
    match term {
        Term::Rows | Term::Present(_) => 1.0,
        // A released sum has its offset added back, so a row contributes its value as it is.
        Term::Sum(id) => schema
            .column(id)
            .measure
            .as_ref()
            .map_or(0.0, |m| m.min.unsigned_abs().max(m.max.unsigned_abs()) as f64),
        Term::SumOfSquares(id) => width(id) * width(id),
        Term::Product(a, b) => width(a) * width(b),
    }
}

/// The rho of zero-concentrated differential privacy that gives (epsilon, delta).
pub fn rho(epsilon: f64, delta_exponent: u8) -> f64 {
    let log_inverse_delta = f64::from(delta_exponent) * std::f64::consts::LN_10;
    let root = (log_inverse_delta + epsilon).sqrt() - log_inverse_delta.sqrt();
    root * root
}

/// The rho of one term; `None` without noise.
fn share(schema: &Schema, query: &Query, noise: &Noise) -> Option<f64> {
    match noise {
        Noise::None => None,
        Noise::DiscreteGaussian { epsilon_per_query, delta_exponent } => {
            Some(rho(epsilon_per_query.as_f64(), *delta_exponent) / query.terms(schema).len() as f64)
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
        query::{Expression, Output},
        schema::{Column, Measure},
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
        let output = |expression: &Expression| Output { name: "x".to_owned(), expression: *expression };
        Query {
            dataset: Digest::from_bytes([0; 32]),
            outputs: expressions.iter().map(output).collect(),
            predicate: Predicate::All,
            groups: vec![],
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
    fn terms_share_the_budget_and_sums_are_noised_by_their_largest_value() {
        let noise =
            Noise::DiscreteGaussian { epsilon_per_query: Epsilon::millionths(1_000_000), delta_exponent: 6 };
        let (schema, average) = (schema(), query(&[Expression::Average(ColumnId(0))]));
        let both = scales(&schema, &average, &noise);
        assert_eq!(both.len(), 2);
        assert!((both[1] / both[0] - 100.0).abs() < 1e-6);
        let count = scales(&schema, &query(&[Expression::Rows]), &noise);
        assert!((both[0] / count[0] - 2f64.sqrt()).abs() < 1e-9);
        assert_eq!(scales(&schema, &average, &Noise::None), vec![0.0, 0.0]);
        assert!(cohort_scale(&schema, &average, &noise) > 0.0);
    }
}
