//! What must be said of a column's values: how finely they are resolved, and what cohort and noise make
//! of them.

use super::{AnswerType, columns::code_type};
use crate::{
    noise,
    query::{Derivation, Rank, Requirements},
    schema::{ColumnId, Domain, Schema},
};

/// The counts of codes that an output is made of, and how they are protected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    codes: usize,
    scale: f64,
    min_cohort: u32,
}

impl Counts {
    /// Of the output that is made of the released values at `positions`; without codes if it is of none.
    pub(super) fn of(
        schema: &Schema,
        needs: &Requirements,
        positions: &[usize],
        noise: &[f64],
        min_cohort: u32,
    ) -> Self {
        let first = positions.first().and_then(|position| needs.released.get(*position));
        let histogram = first.and_then(|released| match released.from {
            Derivation::Distinct(histogram) | Derivation::Rank { histogram, .. } => Some(histogram),
            Derivation::Sum(_) | Derivation::Band { .. } => None,
        });
        let of_histogram = |position: usize| {
            let codes = needs.quantities.get(position).map_or(0, |quantity| quantity.size(schema));
            Self { codes, scale: noise.get(position).copied().unwrap_or(0.0), min_cohort }
        };
        histogram.map_or(Self { codes: 0, scale: 0.0, min_cohort }, of_histogram)
    }

    /// With noise, the count that shows that a code occurs.
    fn least(self) -> Option<i64> {
        let least = || noise::least_count(self.scale, self.codes, i64::from(self.min_cohort.max(1)));
        (self.scale > 0.0).then(least)
    }
}

/// Of a number of distinct values.
pub(super) fn distinct(counts: Counts) -> Option<String> {
    let least = counts.least()?;
    Some(format!("only values with a noised count of at least {least}"))
}

/// Of a value at a rank.
pub(super) fn rank(schema: &Schema, rank: Rank, column: ColumnId, counts: Counts) -> Option<String> {
    let described = schema.column(column);
    let domain = described.dimension.as_ref()?;
    let mut notes = Vec::new();
    if !domain.is_exact() && !matches!(domain, Domain::Category { .. } | Domain::Boolean) {
        notes.push(format!("resolution: the {} of `{}`", domain.describe(), described.name));
    }
    let rows = counts.min_cohort;
    match (rank, counts.least()) {
        (Rank::Lowest, Some(least)) => {
            notes.push(format!("the smallest value with a noised count of at least {least}"));
        }
        (Rank::Highest, Some(least)) => {
            notes.push(format!("the largest value with a noised count of at least {least}"));
        }
        (Rank::Median | Rank::Percentile(_), Some(_)) => {
            let drift = noise::drift(counts.scale, counts.codes);
            notes.push(format!("by noised counts: its rank may be up to {drift} rows off"));
        }
        (Rank::Lowest, None) if rows > 1 => {
            notes.push(format!("the smallest value that {rows} rows do not exceed"));
        }
        (Rank::Highest, None) if rows > 1 => notes.push(format!("the largest value that {rows} rows reach")),
        (Rank::Percentile(_), None) if rows > 1 => {
            notes.push(format!("at most so near to either end that {rows} rows are beyond or at it"));
        }
        (_, None) => {}
    }
    if matches!(rank, Rank::Median)
        && matches!(code_type(schema, column).0, AnswerType::Date | AnswerType::Label | AnswerType::Boolean)
    {
        notes.push("of two middle values, the lower one".to_owned());
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}
