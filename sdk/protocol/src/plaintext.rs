//! The plaintext evaluator: what a query means, computed row by row from encoded plaintext. It knows
//! nothing of layouts and programs, and is the oracle that every encrypted path is tested against.

use crate::{
    coded::CodedTable,
    query::{Branch, Quantity, Query},
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
    let needs = query.requirements(schema);
    let groups = usize::try_from(query.group_count(schema)).expect("at most MAX_GROUPS groups");
    let mut rows_of = vec![0u64; groups];
    let mut sums = vec![vec![0i128; needs.size(schema)]; groups];
    for row in 0..table.rows {
        let code = |column: ColumnId| table.mark(schema, row, column);
        if !query.predicate.holds(&code) {
            continue;
        }
        let Some(group) = query.group_of(schema, &code) else { continue };
        let group = usize::try_from(group).expect("below the number of groups");
        rows_of[group] += 1;
        let mut next = 0;
        for quantity in &needs.quantities {
            let size = quantity.size(schema);
            add(schema, table, row, quantity, &mut sums[group][next..next + size]);
            next += size;
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

/// Adds what one row contributes to a quantity.
fn add(schema: &Schema, table: &CodedTable, row: usize, quantity: &Quantity, sums: &mut [i128]) {
    let code = |column: ColumnId| table.mark(schema, row, column);
    match quantity {
        Quantity::Sum(branches) => {
            if let Some(branch) = branches.iter().find(|branch| branch.when.holds(&code)) {
                sums[0] += value(table, row, branch);
            }
        }
        Quantity::Levels { score, when } => {
            let level = score.of(schema, table, row) - score.bounds().0;
            if when.holds(&code)
                && let Some(count) = usize::try_from(level).ok().and_then(|level| sums.get_mut(level))
            {
                *count += 1;
            }
        }
        Quantity::Histogram { column, when } => {
            if when.holds(&code)
                && let Some(count) = sums.get_mut(code(*column) as usize)
            {
                *count += 1;
            }
        }
    }
}

/// The value of a branch for a row; a measure without a value counts as 0.
fn value(table: &CodedTable, row: usize, branch: &Branch) -> i128 {
    let measure = |column: &ColumnId| table.values(*column)[row].map_or(0, i128::from);
    branch
        .monomials
        .iter()
        .map(|monomial| {
            monomial.columns.iter().map(measure).fold(i128::from(monomial.coefficient), i128::saturating_mul)
        })
        .fold(0, i128::saturating_add)
}

fn saturate(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}
