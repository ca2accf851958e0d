//! From decrypted totals to what may leave: noise first, then the minimum cohort.

use sordino_protocol::{
    answer::AnswerGroup,
    noise as scales,
    policy::{Noise, Policy},
    query::{Query, Requirements},
    release_values::{self, GroupTotals},
    schema::Schema,
};

use super::{GateError, noise};

/// What may be shown: the groups, and the standard deviation of the noise of each quantity.
///
/// A group of fewer rows than the policy's cohort is suppressed as a whole; in the others, what fewer
/// rows stand behind is withheld.
pub(crate) fn protect(
    schema: &Schema,
    query: &Query,
    policy: &Policy,
    mut totals: Vec<GroupTotals>,
) -> Result<(Vec<AnswerGroup>, Vec<f64>), GateError> {
    let needs = query.requirements(schema);
    let scales = scales::scales(schema, query, &policy.noise);
    if policy.noise != Noise::None {
        add_noise(schema, &needs, &scales, &mut totals)?;
    }
    let groups = totals
        .into_iter()
        .map(|group| {
            let shown = group.rows >= u64::from(policy.min_cohort);
            let release = || release_values::release(schema, &needs, &group, &scales, policy.min_cohort);
            let values = shown.then(release);
            AnswerGroup { key: group.key, values }
        })
        .collect();
    Ok((groups, scales))
}

/// Adds noise quantity by quantity, over all groups and all counts of a histogram at once. The row
/// count, which is the first and decides the cohort, is noised whether it is shown or not: an exact
/// comparison would tell about single rows.
fn add_noise(
    schema: &Schema,
    needs: &Requirements,
    scales: &[f64],
    totals: &mut [GroupTotals],
) -> Result<(), GateError> {
    let mut first = 0;
    for (quantity, scale) in needs.quantities.iter().zip(scales) {
        let cells = first..first + quantity.size(schema);
        first = cells.end;
        let exact = totals.iter().flat_map(|group| group.values[cells.clone()].iter().copied()).collect();
        let noised = noise::add(exact, *scale)?;
        let places = totals.iter_mut().flat_map(|group| &mut group.values[cells.clone()]);
        places.zip(noised).for_each(|(place, value)| *place = value);
    }
    for group in totals {
        let rows = group.values.first().copied().unwrap_or(0);
        group.rows = u64::try_from(rows).unwrap_or(0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sordino_protocol::{
        digest::Digest,
        policy::Epsilon,
        predicate::{CodeSet, Predicate},
        query::{Expression, GroupKey, Output, Rank, Value},
        schema::ColumnId,
    };

    use super::*;

    fn schema() -> Schema {
        toml::from_str(
            "table = \"t\"\n[[column]]\nname = \"g\"\ndimension = { kind = \"boolean\" }\n\
             [[column]]\nname = \"d\"\ndimension = { kind = \"integer\", min = 0, max = 2 }\n\
             [[column]]\nname = \"m\"\nmeasure = { scale = 0, min = 0, max = 9 }\n",
        )
        .expect("a schema")
    }

    fn query(schema: &Schema, expressions: &[Expression]) -> Query {
        let output = |e: &Expression| Output { name: "x".to_owned(), expression: e.clone() };
        let query = Query {
            dataset: Digest::from_bytes([0; 32]),
            outputs: expressions.iter().map(output).collect(),
            predicate: Predicate::All,
            groups: vec![GroupKey::Codes(ColumnId(0))],
            scores: Vec::new(),
        };
        query.validate(schema).expect("valid");
        query
    }

    #[test]
    fn every_quantity_of_every_group_is_noised_and_the_noised_count_decides() {
        let schema = schema();
        let ranked = Expression::Quantile { rank: Rank::Median, column: ColumnId(1), when: Predicate::All };
        let query = query(&schema, &[ranked, Expression::Sum(Value::measure(&schema, ColumnId(2)))]);
        let epsilon_per_query = Epsilon::millionths(1_000);
        let policy = Policy {
            min_cohort: 1,
            noise: Noise::DiscreteGaussian { epsilon_per_query, delta_exponent: 9 },
            ..Policy::default()
        };
        let needs = query.requirements(&schema);
        let scales = scales::scales(&schema, &query, &policy.noise);
        let exact =
            GroupTotals { key: vec![0], rows: 1_000_000, values: vec![1_000_000; needs.size(&schema)] };
        let mut totals = vec![exact.clone(), GroupTotals { key: vec![1], ..exact.clone() }];
        add_noise(&schema, &needs, &scales, &mut totals).expect("noised");
        // The noise has a standard deviation of thousands: that it vanishes has a chance below 1 in 1,000.
        let unchanged = totals.iter().flat_map(|group| &group.values).filter(|v| **v == 1_000_000).count();
        assert!(unchanged <= 1, "{totals:?} with scales {scales:?}");
        assert!(totals.iter().all(|group| i64::try_from(group.rows) == Ok(group.values[0])));
        assert_ne!(totals[0].values, totals[1].values, "each group has its own noise");
    }

    #[test]
    fn what_few_rows_stand_behind_is_withheld_and_the_rest_shown() {
        let schema = schema();
        let few = Predicate::column_in(&schema, ColumnId(1), CodeSet::from_codes([2]));
        let query = query(&schema, &[Expression::Count(Predicate::All), Expression::Count(few)]);
        let policy = Policy { min_cohort: 5, ..Policy::default() };
        let group = |key, values: &[i64]| GroupTotals {
            key: vec![key],
            rows: values[0].unsigned_abs(),
            values: values.to_vec(),
        };
        let totals = vec![group(0, &[20, 1]), group(1, &[4, 4])];
        let (groups, noise) = protect(&schema, &query, &policy, totals).expect("protected");
        assert_eq!(groups[0].values, Some(vec![Some(20), None]));
        assert_eq!(groups[1].values, None);
        assert_eq!(noise, [0.0, 0.0]);
    }

    #[test]
    fn noise_alone_makes_no_cohort() {
        let schema = schema();
        let ranked = Expression::Quantile { rank: Rank::Median, column: ColumnId(1), when: Predicate::All };
        let query = query(&schema, &[ranked]);
        let policy = Policy { min_cohort: 5, ..Policy::default() };
        let group =
            |counts: [i64; 3]| GroupTotals { key: vec![0], rows: 20, values: [&[20], &counts[..]].concat() };
        let totals = vec![group([-9, 12, 0]), group([-9, 12, 2])];
        let (groups, _) = protect(&schema, &query, &policy, totals).expect("protected");
        assert_eq!(groups[0].values, Some(vec![None, None]), "3 rows remain when noise is added up");
        assert_eq!(groups[1].values, Some(vec![Some(1), Some(1)]));
    }
}
