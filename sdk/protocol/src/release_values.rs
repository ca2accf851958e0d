//! From decrypted integers to the totals of each group: limbs are joined and public offsets added
//! back. Pure and checked: a gate never releases a number that contradicts the public facts.

use crate::{
    program::Program,
    query::{Query, Term, count_term},
    schema::Schema,
};

/// The totals of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupTotals {
    /// Codes of the grouped dimensions, in the order of the query's groups.
    pub key: Vec<u32>,
    /// Rows of the group: the cohort.
    pub rows: u64,
    /// One value per released term of the query, in its order, offsets added back.
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
    #[error("the program does not compute {0:?}")]
    Missing(Term),
    /// A total is larger than the public bounds allow: the ciphertexts are not what the manifest says.
    #[error("group {group}: {term:?} decrypts to {value}, above the largest possible {limit}")]
    Implausible {
        /// Position of the group.
        group: usize,
        /// The term.
        term: Term,
        /// What its limbs add up to.
        value: u128,
        /// The largest value that the public bounds allow.
        limit: u128,
    },
    /// A total does not fit a 64-bit integer.
    #[error("group {group}: {term:?} does not fit 64 bits")]
    TooLarge {
        /// Position of the group.
        group: usize,
        /// The term.
        term: Term,
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
    decrypted: &[u64],
) -> Result<Vec<GroupTotals>, CombineError> {
    let layout = program.values();
    let groups = usize::try_from(query.group_count(schema)).unwrap_or(usize::MAX);
    let expected = groups.saturating_mul(layout.len());
    if decrypted.len() != expected || program.output_count() != expected {
        return Err(CombineError::Count { expected, got: decrypted.len() });
    }
    let bits = u32::from(program.limb_bits());
    let released = query.released_terms(schema);
    let mut totals = Vec::with_capacity(groups);
    for group in 0..groups {
        let limbs = &decrypted[group * layout.len()..(group + 1) * layout.len()];
        // The sum of `limb << limb * bits` over the limbs of a term; `None` when there is no limb.
        let joined = |term: Term| -> Result<u128, CombineError> {
            let mut found = None;
            for (value, limb) in layout.iter().zip(limbs).filter(|(value, _)| value.term == term) {
                let shift = u32::from(value.limb) * bits;
                let part = 1u128.checked_shl(shift).and_then(|unit| unit.checked_mul(u128::from(*limb)));
                found = part
                    .and_then(|part| found.unwrap_or(0u128).checked_add(part))
                    .map(Some)
                    .ok_or(CombineError::TooLarge { group, term })?;
            }
            found.ok_or(CombineError::Missing(term))
        };
        let within = |term: Term, value: u128, limit: u128| {
            if value <= limit {
                Ok(value)
            } else {
                Err(CombineError::Implausible { group, term, value, limit })
            }
        };
        let rows = joined(Term::Rows)?;
        let rows = u64::try_from(rows).map_err(|_| CombineError::TooLarge { group, term: Term::Rows })?;
        let count = |term: Term| within(term, joined(term)?, u128::from(rows));
        let mut values = Vec::with_capacity(released.len());
        for term in &released {
            let value = match term {
                Term::Rows | Term::Present(_) => count(*term)?.cast_signed(),
                Term::Sum(column) => {
                    let count = count(count_term(schema, *column))?;
                    let (min, width) = schema
                        .column(*column)
                        .measure
                        .as_ref()
                        .map(|measure| (measure.min, measure.width()))
                        .ok_or(CombineError::Missing(*term))?;
                    let limit = count.saturating_mul(u128::from(width));
                    let encoded = within(*term, joined(*term)?, limit)?;
                    encoded.cast_signed() + i128::from(min) * count.cast_signed()
                }
                // Released only by later query kinds; they are of encoded values and need no offset.
                Term::SumOfSquares(_) | Term::Product(..) => joined(*term)?.cast_signed(),
            };
            values.push(i64::try_from(value).map_err(|_| CombineError::TooLarge { group, term: *term })?);
        }
        totals.push(GroupTotals { key: query.group_key(schema, group as u64), rows, values });
    }
    Ok(totals)
}
