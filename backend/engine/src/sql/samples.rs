//! A schema in the manner of German Credit, with one column of every kind, for tests.

use sordino_protocol::{
    digest::{Digest, Purpose},
    schema::{Column, Domain, Measure, Schema},
};

/// Any digest.
pub(crate) fn dataset() -> Digest {
    Digest::of(Purpose::Manifest, b"sample")
}

fn column(name: &str, dimension: Option<Domain>, measure: Option<Measure>) -> Column {
    Column { name: name.to_owned(), description: String::new(), nullable: false, dimension, measure }
}

fn nullable(column: Column) -> Column {
    Column { nullable: true, ..column }
}

fn categories(values: &[&str]) -> Option<Domain> {
    Some(Domain::Category { values: values.iter().map(|value| (*value).to_owned()).collect() })
}

/// The schema.
pub(crate) fn schema() -> Schema {
    let measure = |scale, min, max| Some(Measure { scale, min, max });
    let date = |text: &str| text.parse().expect("a date");
    let months = ["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"].map(date);
    let columns = vec![
        column("creditability", categories(&["bad", "good"]), None),
        column("housing", categories(&["for free", "own", "rent"]), None),
        column("age_in_years", Some(Domain::Integer { min: 19, max: 75 }), measure(0, 19, 75)),
        column("duration_in_month", Some(Domain::Buckets { scale: 0, edges: vec![0, 12, 24, 36, 73] }), None),
        column("credit_amount", None, measure(0, 0, 20_000)),
        nullable(column(
            "rate",
            Some(Domain::Buckets { scale: 1, edges: vec![-5, 0, 15, 40] }),
            measure(2, -50, 399),
        )),
        nullable(column("foreign_worker", Some(Domain::Boolean), None)),
        nullable(column("telephone", categories(&["none", "it's \"listed\""]), None)),
        column("opened", Some(Domain::Date { edges: months.to_vec() }), None),
        column("Job Title", categories(&["skilled", "unskilled"]), None),
        column("note", None, None),
        nullable(column("limit_used", None, measure(2, -10_000, 10_000))),
        column("grade", categories(&["1", "2", "3"]), measure(0, 1, 3)),
    ];
    let schema = Schema { table: "german_credit".to_owned(), null_values: vec![String::new()], columns };
    schema.validate().expect("a valid schema");
    schema
}
