//! From decrypted integers to what is released of each group: recipes join limbs and add public
//! offsets back, and ranks follow from histograms. Pure and checked: a gate never releases a number
//! that contradicts the public facts.

use crate::{
    program::Program,
    query::{Derivation, Quantity, Query, Requirements, score},
    schema::Schema,
};

mod ranks;

use ranks::Histogram;

/// The totals of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupTotals {
    /// Classes of the grouping keys, in the order of the query's groups.
    pub key: Vec<u32>,
    /// Rows of the group: the cohort.
    pub rows: u64,
    /// The integers of the query's quantities, in order.
    pub values: Vec<i64>,
}

/// Why decrypted integers are not the totals of a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// Another number of integers than the program has outputs, or another number of groups.
    #[error("{got} decrypted values, expected {expected}")]
    Count {
        /// As the query and the program say.
        expected: usize,
        /// As given.
        got: usize,
    },
    /// The program does not compute what the query asks.
    #[error("the program has {got} recipes, the query needs {expected}")]
    Recipes {
        /// As the query needs.
        expected: usize,
        /// As the program has.
        got: usize,
    },
    /// A recipe names an output that there is not.
    #[error("recipe {0} names an output that a group does not have")]
    Output(usize),
    /// A total that the public bounds do not allow: the ciphertexts are not what the manifest says.
    #[error("group {group}: integer {position} decrypts to {value}, outside {low} to {high}")]
    Implausible {
        /// Position of the group.
        group: usize,
        /// Position of the integer among those of a group.
        position: usize,
        /// What was decrypted.
        value: i128,
        /// The smallest value that the public bounds allow.
        low: i128,
        /// The largest one.
        high: i128,
    },
    /// A total does not fit a 64-bit integer.
    #[error("group {group}: integer {position} does not fit 64 bits")]
    TooLarge {
        /// Position of the group.
        group: usize,
        /// Position of the integer among those of a group.
        position: usize,
    },
}

/// Joins the decrypted outputs of `program`, in their order, to the totals of each group of `query`.
///
/// # Errors
/// When the values do not belong to the query or contradict the public bounds.
pub fn combine(
    schema: &Schema,
    query: &Query,
    program: &Program,
    decrypted: &[i64],
) -> Result<Vec<GroupTotals>, CombineError> {
    let needs = query.requirements(schema);
    let ranges = ranges(schema, &needs);
    let of_levels =
        |quantity: &Quantity| vec![matches!(quantity, Quantity::Levels { .. }); quantity.size(schema)];
    let levels: Vec<bool> = needs.quantities.iter().flat_map(of_levels).collect();
    let recipes = program.recipes();
    if recipes.len() != ranges.len() {
        return Err(CombineError::Recipes { expected: ranges.len(), got: recipes.len() });
    }
    let groups = usize::try_from(query.group_count(schema)).unwrap_or(usize::MAX);
    let outputs = program.output_count();
    if decrypted.len() != outputs || groups == 0 || !outputs.is_multiple_of(groups) {
        return Err(CombineError::Count { expected: outputs, got: decrypted.len() });
    }
    let each = outputs / groups;
    let mut totals = Vec::with_capacity(groups);
    for group in 0..groups {
        let of_group = &decrypted[group * each..(group + 1) * each];
        let mut values = Vec::with_capacity(recipes.len());
        let mut rows = 0;
        let integers = recipes.iter().zip(&ranges).zip(&levels).enumerate();
        for (position, ((recipe, range), level)) in integers {
            let too_large = CombineError::TooLarge { group, position };
            let mut value = 0i128;
            for part in &recipe.0 {
                let output = of_group.get(part.output as usize).ok_or(CombineError::Output(position))?;
                value = i128::from(*output)
                    .checked_mul(i128::from(part.coefficient))
                    .zip(1i128.checked_shl(u32::from(part.shift)).filter(|unit| *unit > 0))
                    .and_then(|(product, unit)| product.checked_mul(unit))
                    .and_then(|product| value.checked_add(product))
                    .ok_or(too_large.clone())?;
            }
            if position == 0 {
                rows = u64::try_from(value).map_err(|_| CombineError::Implausible {
                    group,
                    position,
                    value,
                    low: 0,
                    high: i128::from(u64::MAX),
                })?;
            }
            if *level {
                // A sum of powers modulo t: it is bounded once it has become a count.
                values.push(i64::try_from(value).map_err(|_| too_large)?);
                continue;
            }
            let low = range.0.saturating_mul(i128::from(rows));
            let high = range.1.saturating_mul(i128::from(rows));
            if value < low || value > high {
                return Err(CombineError::Implausible { group, position, value, low, high });
            }
            values.push(i64::try_from(value).map_err(|_| too_large)?);
        }
        count_levels(schema, &needs, program, &mut values);
        for (position, value) in values.iter().enumerate().filter(|(position, _)| levels[*position]) {
            if *value < 0 || value.cast_unsigned() > rows {
                let (value, high) = (i128::from(*value), i128::from(rows));
                return Err(CombineError::Implausible { group, position, value, low: 0, high });
            }
        }
        totals.push(GroupTotals { key: query.group_key(schema, group as u64), rows, values });
    }
    Ok(totals)
}

/// Makes counts of levels from the sums of their powers, which are what can be computed.
fn count_levels(schema: &Schema, needs: &Requirements, program: &Program, values: &mut [i64]) {
    let Some(numbers) = program.parameter_set().scan() else { return };
    let prime = numbers.plaintext_modulus;
    let mut first = 0;
    for quantity in &needs.quantities {
        let size = quantity.size(schema);
        if let (Quantity::Levels { .. }, Some(these)) = (quantity, values.get_mut(first..first + size)) {
            let modular = |sum: &i64| sum.rem_euclid(prime.cast_signed()).cast_unsigned();
            let powers: Vec<u64> = these.iter().map(modular).collect();
            let counts = score::counts(&powers, prime);
            these.iter_mut().zip(counts).for_each(|(value, count)| *value = count.cast_signed());
        }
        first += size;
    }
}

/// For every integer of a group, the smallest and largest that one row adds.
fn ranges(schema: &Schema, needs: &Requirements) -> Vec<(i128, i128)> {
    let each = |quantity: &Quantity| vec![quantity.range(schema); quantity.size(schema)];
    needs.quantities.iter().flat_map(each).collect()
}

/// The released integers of a group, in the order of [`Requirements::released`]: `None` where there is
/// no such code, or where fewer than `min_cohort` rows stand behind it.
///
/// A code of a lowest or highest value is withheld until so many rows reach it: the value of a single
/// row is not what a statistic should tell. With a cohort of 1 everything is shown.
///
/// `noise` is the standard deviation of the noise in each quantity, 0 or missing where there is none.
/// Where there is, codes with less than [`crate::noise::least_count`] are taken not to occur, and a rank
/// is withheld when the rows are fewer than what noise adds up to.
pub fn release(
    schema: &Schema,
    needs: &Requirements,
    totals: &GroupTotals,
    noise: &[f64],
    min_cohort: u32,
) -> Vec<Option<i64>> {
    let parts = split(schema, needs, &totals.values);
    // Noised counts below 0 are counted as such: without them, noise alone would make a cohort.
    let total = |position: usize| parts[position].iter().sum::<i64>();
    let histogram = |position: usize| Histogram {
        counts: parts[position],
        scale: noise.get(position).copied().unwrap_or(0.0),
        cohort: i64::from(min_cohort.max(1)),
    };
    needs
        .released
        .iter()
        .map(|released| {
            let count = |support: usize| match needs.quantities[support] {
                Quantity::Sum(_) => parts[support][0],
                Quantity::Histogram { .. } | Quantity::Levels { .. } => total(support),
            };
            if min_cohort > 1 && released.support.iter().any(|s| count(*s) < i64::from(min_cohort)) {
                return None;
            }
            match released.from {
                Derivation::Sum(quantity) => Some(parts[quantity][0]),
                Derivation::Band { levels, from, to } => {
                    let count = parts[levels].get(from as usize..to as usize)?.iter().sum::<i64>();
                    (min_cohort <= 1 || count >= i64::from(min_cohort)).then_some(count)
                }
                Derivation::Distinct(of) => histogram(of).distinct(),
                Derivation::Rank { histogram: of, rank } => histogram(of).code_at(rank),
            }
        })
        .collect()
}

/// The integers of each quantity.
fn split<'a>(schema: &Schema, needs: &Requirements, mut values: &'a [i64]) -> Vec<&'a [i64]> {
    needs
        .quantities
        .iter()
        .map(|quantity| {
            let (these, rest) = values.split_at(quantity.size(schema).min(values.len()));
            values = rest;
            these
        })
        .collect()
}
