//! What is computed under encryption and what is released of it, in words.

use sordino_protocol::{
    query::{CodeRank, Derivation, Quantity, Query},
    schema::Schema,
};

use super::words;

/// A line for every quantity, and what follows from it.
pub(super) fn lines(schema: &Schema, query: &Query) -> Vec<String> {
    let needs = query.requirements(schema);
    let mut lines = Vec::new();
    for (number, quantity) in needs.quantities.iter().enumerate() {
        let what = match (quantity, quantity.counted()) {
            (_, Some(when)) => format!("number of rows: {}", words::predicate(schema, when)),
            (Quantity::Sum(branches), None) => format!("sum of {}", words::value(schema, branches)),
            (Quantity::Levels { score, when }, None) => format!(
                "number of rows at each of the {} levels of a score of {} terms: {}",
                score.levels(),
                score.terms.len(),
                words::predicate(schema, when)
            ),
            (Quantity::Histogram { column, when }, None) => format!(
                "number of rows of each of the {} codes of {}: {}",
                quantity.size(schema),
                schema.column(*column).name,
                words::predicate(schema, when)
            ),
        };
        let follows: Vec<_> = needs
            .released
            .iter()
            .filter_map(|released| match released.from {
                Derivation::Sum(of) if of == number => Some("itself"),
                Derivation::Band { levels, .. } if levels == number => Some("the rows of a band"),
                Derivation::Distinct(of) if of == number => Some("how many codes occur"),
                Derivation::Rank { histogram, rank } if histogram == number => Some(match rank {
                    CodeRank::Lowest => "the lowest code",
                    CodeRank::Highest => "the highest code",
                    CodeRank::LowerMedian => "the lower median",
                    CodeRank::UpperMedian => "the upper median",
                    CodeRank::Percentile(_) => "a percentile",
                }),
                _ => None,
            })
            .collect();
        let released = if follows.is_empty() {
            "not released".to_owned()
        } else {
            format!("released: {}", follows.join(", "))
        };
        lines.push(format!("{number}: {what} ({released})"));
    }
    lines
}
