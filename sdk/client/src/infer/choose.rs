//! From what was observed of a column to its dimension and measure, with the reason.

use sordino_protocol::schema::{Domain, Measure, decimal};

use super::{
    dates, edges,
    observe::{MAX_TEXTS, Observed},
};

/// The widest range of integers that gets one code a value.
const MAX_INTEGER_CODES: i64 = 256;
/// Below this number of rows, values that occur once say nothing.
const FEW_ROWS: u64 = 20;

/// What a column should be.
pub(super) struct Choice {
    pub(super) dimension: Option<Domain>,
    pub(super) measure: Option<Measure>,
    pub(super) reason: String,
}

impl Choice {
    fn neither(reason: impl Into<String>) -> Self {
        Self { dimension: None, measure: None, reason: reason.into() }
    }
}

pub(super) fn choose(column: &Observed, rows: u64) -> Choice {
    if column.values() == 0 {
        return Choice::neither("no values at all: not encrypted");
    }
    if column.is_boolean() {
        return Choice {
            dimension: Some(Domain::Boolean),
            measure: None,
            reason: "true or false".to_owned(),
        };
    }
    if let Some((first, last)) = column.dates() {
        let (edges, grain) = dates::edges(first, last);
        let count = edges.len() - 1;
        return Choice {
            dimension: Some(Domain::Date { edges }),
            measure: None,
            reason: format!("dates from {first} to {last}: {count} buckets of one {grain}"),
        };
    }
    match column.numbers() {
        Some((0, smallest, largest)) => integer(column, smallest, largest, rows),
        Some((places, smallest, largest)) => bucketed(column, places, smallest, largest, "decimal numbers"),
        None => text(column),
    }
}

fn integer(column: &Observed, smallest: i64, largest: i64, rows: u64) -> Choice {
    if largest.saturating_sub(smallest) < MAX_INTEGER_CODES {
        return Choice {
            dimension: Some(Domain::Integer { min: smallest, max: largest }),
            measure: Some(Measure { scale: 0, min: smallest, max: largest }),
            reason: format!("integers from {smallest} to {largest}: one code a value, and can be summed"),
        };
    }
    if column.unique() && rows >= FEW_ROWS {
        return Choice::neither(
            "an integer that occurs once in every row looks like an identifier: not encrypted. \
             If it is a quantity, give it a measure",
        );
    }
    bucketed(column, 0, smallest, largest, "integers")
}

fn bucketed(column: &Observed, places: u8, smallest: i64, largest: i64, what: &str) -> Choice {
    let (low, high) = edges::round_bounds(smallest, largest);
    let edges = edges::quantile_edges(&column.sample(), low, high);
    let buckets = edges.len() - 1;
    let (scale, edges) = edges::coarsest_scale(places, edges);
    Choice {
        dimension: Some(Domain::Buckets { scale, edges }),
        measure: Some(Measure { scale: places, min: low, max: high }),
        reason: format!(
            "{what} within {} and {} after rounding the bounds outwards: {buckets} buckets of about as \
             many rows each, at round edges; summed exactly to {places} decimal places",
            decimal(low, places),
            decimal(high, places)
        ),
    }
}

fn text(column: &Observed) -> Choice {
    let Some(texts) = column.texts() else {
        return Choice::neither(format!(
            "text with more than {MAX_TEXTS} distinct values, or long ones: not encrypted"
        ));
    };
    let distinct = texts.len();
    let many = column.values() >= FEW_ROWS;
    if many && (column.unique() || distinct as u64 * 2 > column.values()) {
        return Choice::neither(format!(
            "{distinct} distinct texts in {} rows look like names or identifiers, and a dictionary is \
             public: not encrypted",
            column.values()
        ));
    }
    let rare = texts.values().filter(|rows| **rows < 5).count();
    let warning = if rare == 0 {
        String::new()
    } else {
        format!("; {rare} of them occur in fewer than 5 rows: check that their names may be public")
    };
    Choice {
        dimension: Some(Domain::Category { values: texts.keys().cloned().collect() }),
        measure: None,
        reason: format!("text with {distinct} distinct values{warning}"),
    }
}
