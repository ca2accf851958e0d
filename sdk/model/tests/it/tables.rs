//! Schemas for the rows of fixtures: an owner who gives each value that occurs a code of its own, or
//! who publishes measures.

use std::collections::BTreeSet;

use sordino_protocol::schema::{Column, Domain, Measure, Schema, scaled};

use crate::fixture::Fixture;

/// Decimal places of a number as it is written; `None` when it is none.
fn places(text: &str) -> Option<u8> {
    text.parse::<f64>().ok()?;
    (0..=12).find(|scale| scaled(text, *scale).is_ok())
}

fn cells(fixture: &Fixture, column: usize) -> impl Iterator<Item = &str> {
    fixture.rows.iter().filter_map(move |row| row[column].as_deref())
}

/// How a column of numbers is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// A dimension; each value that occurs has a code, and so has each gap.
    Values,
    /// A dimension of four buckets.
    Buckets,
    /// A measure.
    Measures,
}

/// A schema of the columns of a fixture.
pub(crate) fn schema(fixture: &Fixture, published: Published) -> Schema {
    let column = |(index, name): (usize, &String)| {
        let scale = cells(fixture, index).map(places).try_fold(0, |scale, found| Some(found?.max(scale)));
        let mut described = Column {
            name: name.clone(),
            description: String::new(),
            nullable: fixture.rows.iter().any(|row| row[index].is_none()),
            dimension: None,
            measure: None,
        };
        let Some(scale) = scale else {
            let values: BTreeSet<String> = cells(fixture, index).map(str::to_owned).collect();
            described.dimension = Some(Domain::Category { values: values.into_iter().collect() });
            return described;
        };
        let units = |text| scaled(text, scale).expect("a number of this scale");
        let values: BTreeSet<i64> = cells(fixture, index).map(units).collect();
        let (first, last) = (*values.first().expect("a value"), *values.last().expect("a value"));
        match published {
            Published::Values => {
                let edges: BTreeSet<i64> = values.iter().flat_map(|value| [*value, value + 1]).collect();
                described.dimension = Some(Domain::Buckets { scale, edges: edges.into_iter().collect() });
            }
            Published::Buckets => {
                let edges: BTreeSet<i64> =
                    (0..=4).map(|quarter| first + (last - first) * quarter / 4).chain([last + 1]).collect();
                described.dimension = Some(Domain::Buckets { scale, edges: edges.into_iter().collect() });
            }
            Published::Measures => described.measure = Some(Measure { scale, min: first, max: last }),
        }
        described
    };
    let columns = fixture.columns.iter().enumerate().map(column).collect();
    let schema = Schema { table: "t".to_owned(), null_values: vec![String::new()], columns };
    schema.validate().expect("a valid schema");
    schema
}
