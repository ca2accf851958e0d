//! What the platform can tell a buyer about a policy before he pays. The gate checks its own copy.

use sordino_protocol::{
    policy::{Epsilon, Policy},
    query::{Query, VeilError},
    schema::Schema,
};

/// Why a policy forbids a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    /// The answer has too many values.
    #[error(
        "the answer would release {values} values, the listing allows {limit}: group by fewer or coarser \
         dimensions, or select fewer totals"
    )]
    TooManyValues {
        /// Groups times released values.
        values: u64,
        /// The most that are released.
        limit: u64,
    },
    /// The owner wants to see models.
    #[error("this listing's owner wants models disclosed to the gate: ask without `hidden`")]
    Hidden,
    /// The query cannot be hidden.
    #[error(transparent)]
    Veil(#[from] VeilError),
    /// A single query exceeds the whole budget.
    #[error("one query costs epsilon {cost}, the listing's whole budget is {budget}")]
    Epsilon {
        /// Of one query.
        cost: Epsilon,
        /// Of the lineage.
        budget: Epsilon,
    },
}

/// The number of values an answer may disclose: groups times released values.
pub fn released_values(schema: &Schema, query: &Query) -> u64 {
    query.released_values(schema)
}

/// The standard deviation of the noise of each quantity, in thousandths, as a quote states it.
pub fn noise_millis(policy: &Policy, schema: &Schema, query: &Query) -> Vec<u64> {
    sordino_protocol::noise::scales(schema, query, &policy.noise)
        .into_iter()
        .map(|scale| (scale * 1_000.0).round() as u64)
        .collect()
}

/// Whether a policy allows the conditions of a query's classes to be kept from the gate.
///
/// # Errors
/// The rule that forbids it, or why there is nothing to hide.
pub fn check_hidden(policy: &Policy, query: &Query) -> Result<(), PolicyRefusal> {
    if policy.models.is_disclosed() {
        return Err(PolicyRefusal::Hidden);
    }
    query.veiled()?;
    Ok(())
}

/// Whether a policy allows a query at all; how much of the budget is left only the gate knows.
///
/// # Errors
/// The rule that forbids it.
pub fn check(policy: &Policy, schema: &Schema, query: &Query) -> Result<(), PolicyRefusal> {
    let values = released_values(schema, query);
    if values > policy.max_released_values {
        return Err(PolicyRefusal::TooManyValues { values, limit: policy.max_released_values });
    }
    let cost = policy.epsilon_per_query();
    match policy.epsilon_budget {
        Some(budget) if cost > budget => Err(PolicyRefusal::Epsilon { cost, budget }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use sordino_protocol::policy::Noise;

    use super::*;
    use crate::sql::{bind, samples};

    #[test]
    fn limits_are_checked_before_anybody_pays() {
        let schema = samples::schema();
        let sql = "SELECT housing, COUNT(*), SUM(credit_amount) FROM german_credit GROUP BY housing";
        let query = bind(samples::dataset(), &schema, sql).expect("answerable").query;
        let mut policy = Policy { max_released_values: 6, ..Policy::default() };
        assert_eq!(released_values(&schema, &query), 6);
        assert_eq!(check(&policy, &schema, &query), Ok(()));
        assert_eq!(noise_millis(&policy, &schema, &query), vec![0, 0]);
        policy.max_released_values = 5;
        assert!(matches!(check(&policy, &schema, &query), Err(PolicyRefusal::TooManyValues { .. })));
        policy.max_released_values = 6;
        policy.noise =
            Noise::DiscreteGaussian { epsilon_per_query: Epsilon::millionths(2_000_000), delta_exponent: 6 };
        policy.epsilon_budget = Some(Epsilon::millionths(1_000_000));
        assert!(matches!(check(&policy, &schema, &query), Err(PolicyRefusal::Epsilon { .. })));
        assert!(noise_millis(&policy, &schema, &query).iter().all(|millis| *millis > 0));
    }
}
