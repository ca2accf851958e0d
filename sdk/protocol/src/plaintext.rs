//! The plaintext evaluator: what a query means, computed row by row from encoded plaintext. It knows
//! nothing of layouts and programs, and is the oracle that every encrypted path is tested against.

use crate::{
    coded::CodedTable,
    query::{Query, Term},
    release_values::GroupTotals,
    schema::{ColumnId, Schema},
};

/// The totals of every group, in order, of a query that is valid over `schema`.
///
/// Sums beyond 64 bits saturate; programs refuse such queries by their static bounds.
///
/// # Panics
/// When `query` or `table` does not belong to `schema`.
pub fn evaluate(schema: &Schema, query: &Query, table: &CodedTable) -> Vec<GroupTotals> {
    let terms = query.released_terms(schema);
    let groups = query.group_count(schema);
    let mut rows_of = vec![0u64; usize::try_from(groups).expect("at most MAX_GROUPS groups")];
    let mut sums = vec![vec![0i128; terms.len()]; rows_of.len()];
    for row in 0..table.rows {
        let code = |column: ColumnId| table.codes(column)[row];
        if !query.predicate.holds(&code) {
            continue;
        }
        let group = query
            .groups
            .iter()
            .fold(0usize, |index, id| index * schema.column(*id).codes() as usize + code(*id) as usize);
        rows_of[group] += 1;
        for (sum, term) in sums[group].iter_mut().zip(&terms) {
            *sum += i128::from(contribution(schema, table, row, *term));
        }
    }
    rows_of
        .into_iter()
        .zip(sums)
        .enumerate()
        .map(|(index, (rows, sums))| GroupTotals {
            key: query.group_key(schema, index as u64),
            rows,
            values: sums.into_iter().map(saturate).collect(),
        })
        .collect()
}

/// What one row adds to a term; offsets are kept, as in a released answer.
fn contribution(schema: &Schema, table: &CodedTable, row: usize, term: Term) -> i64 {
    let value = |column: ColumnId| table.values(column).get(row).copied().flatten();
    let encoded = |column: ColumnId| {
        let min = schema.column(column).measure.as_ref().map_or(0, |measure| measure.min);
        value(column).map_or(0, |value| value - min)
    };
    match term {
        Term::Rows => 1,
        Term::Present(column) => {
            let described = schema.column(column);
            let present = match described.null_code() {
                Some(null) => table.codes(column)[row] != null,
                None => described.measure.is_none() || value(column).is_some(),
            };
            i64::from(present)
        }
        Term::Sum(column) => value(column).unwrap_or(0),
        Term::SumOfSquares(column) => encoded(column).saturating_mul(encoded(column)),
        Term::Product(one, other) => encoded(one).saturating_mul(encoded(other)),
    }
}

fn saturate(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}
