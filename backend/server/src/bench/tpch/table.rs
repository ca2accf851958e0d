//! The public schema of the denormalised table, and its rows both encoded for encryption and as plain
//! Arrow columns.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, StringArray},
    datatypes::{DataType, Field, Schema as ArrowSchema},
    record_batch::RecordBatch,
};
use chrono::{Days, NaiveDate};
use sordino_protocol::{
    coded::CodedTable,
    schema::{Column, Domain, Measure, Schema, decimal},
};

use super::rows::Row;

/// The days that any date can have.
const FIRST_DAY: &str = "1992-01-01";
const DAYS: u64 = 2_557;

/// The most that a line can cost: 50 of the dearest part, in hundredths.
const MAX_PRICE: i64 = 10_494_950;

pub(super) const FLAGS: [&str; 3] = ["A", "N", "R"];
pub(super) const STATUSES: [&str; 2] = ["F", "O"];
pub(super) const MODES: [&str; 7] = ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"];
pub(super) const PRIORITIES: [&str; 5] = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"];
const TYPES: [&[&str]; 3] = [
    &["ECONOMY", "LARGE", "MEDIUM", "PROMO", "SMALL", "STANDARD"],
    &["ANODIZED", "BRUSHED", "BURNISHED", "PLATED", "POLISHED"],
    &["BRASS", "COPPER", "NICKEL", "STEEL", "TIN"],
];

/// A column of the benchmark's table.
struct Source {
    name: &'static str,
    dimension: Option<Domain>,
    measure: Option<Measure>,
    /// The text of a row's value, as in a CSV file; `None` for a column that is computed.
    text: Option<fn(&Row) -> String>,
    /// The plain column.
    plain: fn(&[Row]) -> Option<(DataType, ArrayRef)>,
}

/// The schema with those columns only that are wanted.
pub(super) fn schema(wanted: &BTreeSet<&str>) -> Schema {
    let column = |source: &Source| Column {
        name: source.name.to_owned(),
        description: String::new(),
        nullable: false,
        dimension: source.dimension.clone(),
        measure: source.measure.clone(),
    };
    Schema {
        table: "lineitem".to_owned(),
        null_values: vec![],
        columns: sources(wanted).iter().map(column).collect(),
    }
}

/// Encodes rows.
pub(super) fn encode(schema: &Schema, wanted: &BTreeSet<&str>, rows: &[Row]) -> anyhow::Result<CodedTable> {
    let sources = sources(wanted);
    let mut table = CodedTable::new(schema);
    for (number, row) in (1..).zip(rows) {
        let texts: Vec<Option<String>> =
            sources.iter().map(|source| source.text.map(|text| text(row))).collect();
        let cells: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        table.push(schema, number, &cells)?;
    }
    Ok(table)
}

/// The rows as Arrow columns.
pub(super) fn plain(wanted: &BTreeSet<&str>, rows: &[Row]) -> anyhow::Result<RecordBatch> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for source in sources(wanted) {
        if let Some((kind, column)) = (source.plain)(rows) {
            fields.push(Field::new(source.name, kind, false));
            columns.push(column);
        }
    }
    Ok(RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)?)
}

fn sources(wanted: &BTreeSet<&str>) -> Vec<Source> {
    all().into_iter().filter(|source| wanted.contains(source.name)).collect()
}

fn all() -> Vec<Source> {
    vec![
        day("l_shipdate", |row| date(row.ship), |rows| days(rows, |row| row.ship)),
        day("l_commitdate", |row| date(row.commit), |rows| days(rows, |row| row.commit)),
        day("l_receiptdate", |row| date(row.receipt), |rows| days(rows, |row| row.receipt)),
        order("ship_and_commit", "l_shipdate", "l_commitdate"),
        order("commit_and_receipt", "l_commitdate", "l_receiptdate"),
        Source {
            name: "l_quantity",
            dimension: Some(Domain::Integer { min: 1, max: 50 }),
            measure: Some(Measure { scale: 0, min: 0, max: 50 }),
            text: Some(|row| row.quantity.to_string()),
            plain: |rows| {
                let values = Int64Array::from_iter_values(rows.iter().map(|row| row.quantity));
                Some((DataType::Int64, Arc::new(values)))
            },
        },
        share("l_discount", 10, |row| decimal(row.discount, 2), |rows| hundredths(rows, |row| row.discount)),
        share("l_tax", 8, |row| decimal(row.tax, 2), |rows| hundredths(rows, |row| row.tax)),
        Source {
            name: "l_extendedprice",
            dimension: None,
            measure: Some(Measure { scale: 2, min: 0, max: MAX_PRICE }),
            text: Some(|row| decimal(row.price, 2)),
            plain: |rows| hundredths(rows, |row| row.price),
        },
        category("l_returnflag", &FLAGS, |row| row.flag.to_owned(), |rows| texts(rows, |row| row.flag)),
        category(
            "l_linestatus",
            &STATUSES,
            |row| row.status.to_owned(),
            |rows| texts(rows, |row| row.status),
        ),
        category("l_shipmode", &MODES, |row| row.mode.to_owned(), |rows| texts(rows, |row| row.mode)),
        category(
            "o_orderpriority",
            &PRIORITIES,
            |row| row.priority.to_owned(),
            |rows| texts(rows, |row| row.priority),
        ),
        Source {
            name: "p_type",
            dimension: Some(Domain::Category { values: types() }),
            measure: None,
            text: Some(|row| row.part_type.to_owned()),
            plain: |rows| texts(rows, |row| row.part_type),
        },
    ]
}

type Plain = fn(&[Row]) -> Option<(DataType, ArrayRef)>;

fn day(name: &'static str, text: fn(&Row) -> String, plain: Plain) -> Source {
    let first: NaiveDate = FIRST_DAY.parse().unwrap_or_default();
    let edges = (0..=DAYS).filter_map(|day| first.checked_add_days(Days::new(day))).collect();
    Source { name, dimension: Some(Domain::Date { edges }), measure: None, text: Some(text), plain }
}

fn order(name: &'static str, left: &str, right: &str) -> Source {
    let dimension = Domain::Order { left: left.to_owned(), right: right.to_owned() };
    Source { name, dimension: Some(dimension), measure: None, text: None, plain: |_| None }
}

fn share(name: &'static str, most: i64, text: fn(&Row) -> String, plain: Plain) -> Source {
    Source {
        name,
        dimension: Some(Domain::Buckets { scale: 2, edges: (0..=most + 1).collect() }),
        measure: Some(Measure { scale: 2, min: 0, max: most }),
        text: Some(text),
        plain,
    }
}

fn category(name: &'static str, values: &[&str], text: fn(&Row) -> String, plain: Plain) -> Source {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Source { name, dimension: Some(Domain::Category { values }), measure: None, text: Some(text), plain }
}

/// Every combination of a word of each list, in order.
pub(super) fn types() -> Vec<String> {
    let extend = |known: Vec<String>, words: &&[&str]| {
        known
            .iter()
            .flat_map(|start| words.iter().map(move |word| format!("{start} {word}").trim().to_owned()))
            .collect()
    };
    TYPES.iter().fold(vec![String::new()], extend)
}

fn date(days: i32) -> String {
    NaiveDate::default()
        .checked_add_days(Days::new(u64::from(days.unsigned_abs())))
        .unwrap_or_default()
        .to_string()
}

fn days(rows: &[Row], of: fn(&Row) -> i32) -> Option<(DataType, ArrayRef)> {
    Some((DataType::Date32, Arc::new(Date32Array::from_iter_values(rows.iter().map(of)))))
}

fn hundredths(rows: &[Row], of: fn(&Row) -> i64) -> Option<(DataType, ArrayRef)> {
    let values = Decimal128Array::from_iter_values(rows.iter().map(|row| i128::from(of(row))));
    let values = values.with_precision_and_scale(15, 2).ok()?;
    Some((DataType::Decimal128(15, 2), Arc::new(values)))
}

fn texts(rows: &[Row], of: fn(&Row) -> &'static str) -> Option<(DataType, ArrayRef)> {
    Some((DataType::Utf8, Arc::new(StringArray::from_iter_values(rows.iter().map(of)))))
}
