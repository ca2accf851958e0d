//! From decrypted totals to what may leave: noise first, then the minimum cohort.

use sordino_protocol::{
    answer::AnswerGroup,
    noise as scales,
    policy::{Noise, Policy},
    query::{Query, Term},
    release_values::GroupTotals,
    schema::Schema,
};

use super::{GateError, noise};

/// What may be shown: the groups, and the standard deviation of the noise of each released term.
pub(super) fn protect(
    schema: &Schema,
    query: &Query,
    policy: &Policy,
    totals: Vec<GroupTotals>,
) -> Result<(Vec<AnswerGroup>, Vec<f64>), GateError> {
    let scales = scales::scales(schema, query, &policy.noise);
    let noised = match policy.noise {
        Noise::None => totals,
        Noise::DiscreteGaussian { .. } => noised(schema, query, policy, totals, &scales)?,
    };
    let groups = noised
        .into_iter()
        .map(|group| {
            let shown = group.rows >= u64::from(policy.min_cohort);
            AnswerGroup { key: group.key, values: shown.then_some(group.values) }
        })
        .collect();
    Ok((groups, scales))
}

/// Adds noise term by term, over all groups at once. The row count that the cohort is compared with
/// is noised too, whether it is shown or not: an exact comparison would tell about single rows.
fn noised(
    schema: &Schema,
    query: &Query,
    policy: &Policy,
    mut totals: Vec<GroupTotals>,
    scales: &[f64],
) -> Result<Vec<GroupTotals>, GateError> {
    let terms = query.released_terms(schema);
    for (position, scale) in scales.iter().enumerate() {
        let exact = totals.iter().map(|group| group.values[position]).collect();
        for (group, value) in totals.iter_mut().zip(noise::add(exact, *scale)?) {
            group.values[position] = value;
        }
    }
    let rows = match terms.iter().position(|term| *term == Term::Rows) {
        Some(position) => totals.iter().map(|group| group.values[position]).collect(),
        None => {
            let exact = totals.iter().map(|g| i64::try_from(g.rows).unwrap_or(i64::MAX)).collect();
            noise::add(exact, scales::cohort_scale(schema, query, &policy.noise))?
        }
    };
    for (group, rows) in totals.iter_mut().zip(rows) {
        group.rows = u64::try_from(rows).unwrap_or(0);
    }
    Ok(totals)
}
