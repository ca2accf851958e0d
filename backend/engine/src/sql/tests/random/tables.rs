//! Random tables: columns of every kind, rows with nulls, negative numbers, decimals, dates.

use std::sync::Arc;

use ::datafusion::arrow::{
    array::{ArrayRef, BooleanArray, Date32Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Field, Schema as ArrowSchema},
};
use sordino_protocol::{
    coded::CodedTable,
    schema::{Column, Domain, Measure, ORDERS, Schema, days, decimal, order_code},
};

use super::dice::Dice;
use crate::sql::context;

/// A table, encoded and for DataFusion.
pub(super) struct Table {
    pub(super) schema: Schema,
    pub(super) coded: CodedTable,
    pub(super) batch: RecordBatch,
}

type Row = Vec<Option<String>>;

impl Table {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let schema = schema(dice);
        let count = dice.between(0, 120);
        let rows: Vec<Row> = (0..count).map(|_| row(dice, &schema)).collect();
        let mut coded = CodedTable::new(&schema);
        for (number, row) in rows.iter().enumerate() {
            let cells: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
            coded.push(&schema, number as u64, &cells).expect("a row of the schema");
        }
        let batch = batch(&schema, &rows);
        Self { schema, coded, batch }
    }
}

fn schema(dice: &mut Dice) -> Schema {
    let mut columns: Vec<Column> = Vec::new();
    let extra = dice.between(0, 3);
    let kinds = (0..9).chain((0..extra).map(|_| dice.between(0, 8)).collect::<Vec<_>>());
    for kind in kinds.collect::<Vec<_>>() {
        let name = format!("c{}", columns.len());
        let (dimension, measure) = domain(dice, kind);
        let nullable = dice.chance(40);
        columns.push(Column { name, description: String::new(), nullable, dimension, measure });
    }
    if dice.chance(50) {
        columns.push(order(dice, &columns));
    }
    let schema = Schema { table: "t".to_owned(), null_values: vec![String::new()], columns };
    schema.validate().expect("a valid schema");
    schema
}

/// The order of two numbers, or of two dates.
fn order(dice: &mut Dice, columns: &[Column]) -> Column {
    let date = dice.chance(30);
    let fits = |column: &&Column| match (&column.dimension, &column.measure) {
        (Some(Domain::Date { .. }), _) => date,
        (Some(Domain::Integer { .. } | Domain::Buckets { .. }), _) | (None, Some(_)) => !date,
        _ => false,
    };
    let fitting: Vec<&Column> = columns.iter().filter(fits).collect();
    let (left, right) = (*dice.pick(&fitting), *dice.pick(&fitting));
    Column {
        name: format!("c{}", columns.len()),
        description: String::new(),
        nullable: left.nullable || right.nullable,
        dimension: Some(Domain::Order { left: left.name.clone(), right: right.name.clone() }),
        measure: None,
    }
}

fn domain(dice: &mut Dice, kind: i64) -> (Option<Domain>, Option<Measure>) {
    let day = |text: &str| text.parse::<chrono::NaiveDate>().expect("a date");
    match kind {
        0 => {
            let sorted = ["Anna", "Bert", "anna", "b_c", "zoo's"];
            let mixed = ["own", "rent", "for free", "Own", "%"];
            let values = if dice.chance(50) { sorted } else { mixed };
            let count = usize::try_from(dice.between(1, 5)).expect("small");
            let values = values.iter().take(count).map(|text| (*text).to_owned()).collect();
            (Some(Domain::Category { values }), None)
        }
        1 => (Some(Domain::Boolean), None),
        2 => {
            let min = dice.between(-4, 2);
            (Some(Domain::Integer { min, max: min + dice.between(0, 12) }), None)
        }
        3 => {
            let (min, scale) = (dice.between(-20, 20), u8::try_from(dice.between(0, 2)).expect("small"));
            let max = min + dice.between(1, 60);
            let unit = 10i64.pow(u32::from(scale));
            (Some(Domain::Integer { min, max }), Some(Measure { scale, min: min * unit, max: max * unit }))
        }
        4 => {
            let from = dice.between(-15, 5);
            let edges = (from..=from + dice.between(1, 30)).collect();
            (Some(Domain::Buckets { scale: 1, edges }), None)
        }
        5 => {
            let width = dice.between(2, 7);
            let edges = (0..=dice.between(1, 8)).map(|edge| edge * width - 10).collect::<Vec<_>>();
            let (low, high) = (edges[0] * 10, edges[edges.len() - 1] * 10 - 1);
            let measure = dice.chance(50).then_some(Measure { scale: 2, min: low, max: high });
            (Some(Domain::Buckets { scale: 1, edges }), measure)
        }
        6 => {
            let from = day("1995-11-20") + chrono::Days::new(dice.between(0, 100).unsigned_abs());
            let edges =
                (0..=dice.between(1, 500).unsigned_abs()).map(|n| from + chrono::Days::new(n)).collect();
            (Some(Domain::Date { edges }), None)
        }
        7 => {
            let edges = ["1995-01-01", "1995-07-01", "1996-01-01", "1996-02-01", "1996-03-01", "1997-01-01"];
            (Some(Domain::Date { edges: edges.map(day).to_vec() }), None)
        }
        _ => {
            let scale = u8::try_from(dice.between(0, 2)).expect("small");
            let min = dice.between(-500, 100);
            (None, Some(Measure { scale, min, max: min + dice.between(0, 900) }))
        }
    }
}

fn row(dice: &mut Dice, schema: &Schema) -> Row {
    let mut row: Row = Vec::with_capacity(schema.columns.len());
    for column in &schema.columns {
        let cell = match &column.dimension {
            Some(Domain::Order { left, right }) => {
                let of = |name: &String| {
                    let position = schema.columns.iter().position(|column| column.name == *name);
                    row[position.expect("a column")].clone()
                };
                let codes = of(left).zip(of(right)).map(|(left, right)| order_code(&left, &right));
                codes.map(|code| ORDERS[code.expect("ordered") as usize].to_owned())
            }
            _ if column.nullable && dice.chance(25) => None,
            _ => Some(value(dice, column)),
        };
        row.push(cell);
    }
    row
}

fn value(dice: &mut Dice, column: &Column) -> String {
    let Some(domain) = &column.dimension else {
        let measure = column.measure.as_ref().expect("dimension or measure");
        return decimal(dice.between(measure.min, measure.max), measure.scale);
    };
    let code = u32::try_from(dice.between(0, i64::from(domain.size()) - 1)).expect("a code");
    match (domain, domain.interval(code)) {
        (Domain::Buckets { scale, .. }, Some((low, high))) => {
            let places = column.measure.as_ref().map_or(*scale, |measure| measure.scale.max(*scale));
            let unit = 10i64.pow(u32::from(places - *scale));
            decimal(dice.between(low * unit, high * unit - 1), places)
        }
        (Domain::Date { .. }, Some((low, high))) => {
            let day = dice.between(low, high - 1).unsigned_abs();
            (chrono::NaiveDate::default() + chrono::Days::new(day)).to_string()
        }
        _ => domain.label(code).expect("a label"),
    }
}

/// The same rows for DataFusion.
fn batch(schema: &Schema, rows: &[Row]) -> RecordBatch {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (index, column) in schema.columns.iter().enumerate() {
        let Some(data_type) = context::data_type(column) else { continue };
        let texts: StringArray = rows.iter().map(|row| row[index].as_deref()).collect();
        let day = |text: &str| i32::try_from(days(text.parse().expect("a date"))).expect("days");
        let array = match &data_type {
            DataType::Utf8 => Arc::new(texts) as ArrayRef,
            DataType::Boolean => {
                Arc::new(texts.iter().map(|text| text.map(|text| text == "true")).collect::<BooleanArray>())
            }
            DataType::Date32 => Arc::new(texts.iter().map(|text| text.map(day)).collect::<Date32Array>()),
            other => cast(&texts, other).expect("numbers"),
        };
        fields.push(Field::new(&column.name, data_type, column.nullable));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays).expect("a batch")
}
