//! What a bound query means, against DataFusion evaluating the same text over the plain rows. Conditions
//! are evaluated as they were written: DataFusion's simplifier merges IN lists without regard to NULL.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
            StringArray,
        },
        compute::cast,
        datatypes::{DataType, Field, Schema as ArrowSchema},
        record_batch::RecordBatch,
    },
    datasource::MemTable,
    logical_expr::{
        LogicalPlan, execution_props::ExecutionProps, physical_planning_context::PhysicalPlanningContext,
    },
    physical_expr::create_physical_expr,
    prelude::{SessionConfig, SessionContext},
};
use proptest::prelude::Rng;
use proptest::test_runner::{Config, TestRunner};
use sordino_protocol::{
    coded::CodedTable,
    plaintext,
    query::Term,
    schema::{ColumnId, Domain, Schema, days, decimal},
    testing::sequence,
};

use crate::sql::{bind, context, parse, samples, shape};

/// Rows as texts, one value per code, null sometimes.
fn rows(next: &mut impl FnMut() -> u64, schema: &Schema, count: usize) -> Vec<Vec<Option<String>>> {
    let mut cell = |index: usize| {
        let column = &schema.columns[index];
        if column.nullable && next().is_multiple_of(4) {
            return None;
        }
        let within = |low: i64, high: i64, n: u64| low + (n % (high - low).unsigned_abs()).cast_signed();
        match (&column.dimension, &column.measure) {
            (Some(domain), _) => {
                let code = u32::try_from(next() % u64::from(domain.size())).expect("a code");
                match (domain, domain.interval(code)) {
                    (Domain::Buckets { scale, .. }, Some((low, high))) => {
                        let places = column.measure.as_ref().map_or(*scale, |measure| measure.scale);
                        let unit = 10i64.pow(u32::from(places - *scale));
                        Some(decimal(within(low * unit, high * unit, next()), places))
                    }
                    (Domain::Date { .. }, Some((low, high))) => {
                        let day = chrono::NaiveDate::default()
                            + chrono::Days::new(within(low, high, next()).unsigned_abs());
                        Some(day.to_string())
                    }
                    _ => domain.label(code),
                }
            }
            (None, Some(measure)) => {
                Some(decimal(within(measure.min, measure.max + 1, next()), measure.scale))
            }
            (None, None) => Some("x".to_owned()),
        }
    };
    (0..count).map(|_| (0..schema.columns.len()).map(&mut cell).collect()).collect()
}

fn coded(schema: &Schema, rows: &[Vec<Option<String>>]) -> CodedTable {
    let mut table = CodedTable::new(schema);
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
        table.push(schema, number as u64, &cells).expect("a row of the schema");
    }
    table
}

/// The same rows for DataFusion.
fn batch(schema: &Schema, rows: &[Vec<Option<String>>]) -> RecordBatch {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (index, column) in schema.columns.iter().enumerate() {
        let Some(data_type) = context::data_type(column) else { continue };
        let texts: StringArray = rows.iter().map(|row| row[index].as_deref()).collect();
        let array = match &data_type {
            DataType::Utf8 => Arc::new(texts) as ArrayRef,
            DataType::Boolean => {
                Arc::new(texts.iter().map(|t| t.map(|t| t == "true")).collect::<BooleanArray>())
            }
            DataType::Date32 => Arc::new(
                texts
                    .iter()
                    .map(|t| t.map(|t| i32::try_from(days(t.parse().expect("a date"))).expect("days")))
                    .collect::<Date32Array>(),
            ),
            other => cast(&texts, other).expect("numbers"),
        };
        fields.push(Field::new(&column.name, data_type, column.nullable));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays).expect("a batch")
}

/// How many rows DataFusion selects.
fn selected(schema: &Schema, batch: &RecordBatch, sql: &str) -> usize {
    let shaped =
        shape::check(schema, parse::parse(sql).expect("SQL")).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let plan = context::Context::new(schema).plan(shaped.query).expect("a plan");
    let mut plan = &plan;
    let filter = loop {
        match plan {
            LogicalPlan::Filter(filter) => break filter,
            other => plan = other.inputs()[0],
        }
    };
    let columns = filter.input.schema();
    let coerced = context::Context::coerce(columns, &filter.predicate).expect("coerced");
    let (properties, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
    let condition = create_physical_expr(&coerced, columns, &properties, &planning).expect("an expression");
    let values = condition.evaluate(batch).and_then(|v| v.into_array(batch.num_rows())).expect("evaluated");
    // A NULL literal has a type of its own.
    let values = cast(&values, &DataType::Boolean).expect("booleans");
    let values = values.as_any().downcast_ref::<BooleanArray>().expect("booleans");
    values.iter().filter(|value| *value == Some(true)).count()
}

async fn run(schema: &Schema, batch: RecordBatch, sql: &str) -> Vec<RecordBatch> {
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).expect("a table");
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    session.register_table(schema.table.as_str(), Arc::new(table)).expect("registered");
    session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}")).collect().await.expect("an answer")
}

/// A random condition over the samples, mostly on edges.
fn condition(next: &mut impl FnMut() -> u64, depth: u32) -> String {
    let choice = next() % if depth == 0 { 12 } else { 18 };
    let pick = |n: u64, from: &[&'static str]| from[usize::try_from(n).expect("small") % from.len()];
    let op = pick(next(), &["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"]);
    let equality = pick(next(), &["=", "<>", "IS NOT DISTINCT FROM"]);
    let ages = ["19", "30", "29.5", "75", "80", "0", "NULL", "3 * 10"];
    let rates = ["-0.5", "0", "1.5", "4", "9", "NULL"];
    let texts = ["'none'", "'it''s \"listed\"'", "'absent'", "NULL"];
    let age = pick(next(), &ages);
    match choice {
        // In parentheses: the parser reads `a IS DISTINCT FROM b AND c` as `a IS DISTINCT FROM (b AND c)`.
        0 | 1 => format!("(age_in_years {op} {age})"),
        2 => format!("({age} {op} age_in_years)"),
        3 => format!("age_in_years {}BETWEEN {age} AND {}", pick(next(), &["", "NOT "]), pick(next(), &ages)),
        4 => format!("age_in_years {}IN ({age}, {}, 33)", pick(next(), &["", "NOT "]), pick(next(), &ages)),
        5 => format!("(telephone {equality} {})", pick(next(), &texts)),
        6 => format!(
            "telephone {}IN ({}, {})",
            pick(next(), &["", "NOT "]),
            pick(next(), &texts),
            pick(next(), &texts)
        ),
        7 => format!("rate {} {}", pick(next(), &["<", ">="]), pick(next(), &rates)),
        8 => format!(
            "{} IS {}NULL",
            pick(next(), &["telephone", "rate", "foreign_worker", "housing"]),
            pick(next(), &["", "NOT "])
        ),
        9 => pick(
            next(),
            &[
                "foreign_worker",
                "NOT foreign_worker",
                "foreign_worker = false",
                "foreign_worker IS NOT FALSE",
            ],
        )
        .to_owned(),
        10 => format!("opened {} '2020-0{}-01'", pick(next(), &["<", ">="]), 1 + next() % 6),
        11 => format!("duration_in_month {} {}", pick(next(), &["<", ">="]), 12 * (next() % 5)),
        12 | 13 => format!("({} AND {})", condition(next, depth - 1), condition(next, depth - 1)),
        14 | 15 => format!("({} OR {})", condition(next, depth - 1), condition(next, depth - 1)),
        16 => format!("NOT ({})", condition(next, depth - 1)),
        _ => format!(
            "({}) IS {}{}",
            condition(next, depth - 1),
            pick(next(), &["", "NOT "]),
            pick(next(), &["TRUE", "FALSE", "UNKNOWN"])
        ),
    }
}

#[test]
fn random_conditions_select_what_datafusion_selects() {
    let seed = TestRunner::new(Config::default()).rng().next_u64();
    println!("seed {seed}");
    let mut next = sequence(seed);
    let schema = samples::schema();
    let rows = rows(&mut next, &schema, 400);
    let (table, batch) = (coded(&schema, &rows), batch(&schema, &rows));
    let (mut compared, mut refused) = (0, 0);
    while compared < 1_000 {
        let sql = format!("SELECT COUNT(*) FROM german_credit WHERE {}", condition(&mut next, 3));
        let query = match bind(samples::dataset(), &schema, &sql) {
            Ok(query) => query,
            // An equality with one value of a wide bucket.
            Err(error) if error.to_string().contains("buckets") => {
                refused += 1;
                continue;
            }
            Err(error) => panic!("seed {seed}: {sql}: {error}"),
        };
        let found = plaintext::evaluate(&schema, &query, &table)[0].rows;
        assert_eq!(found, selected(&schema, &batch, &sql) as u64, "seed {seed}: {sql}");
        compared += 1;
    }
    assert!(refused < compared, "seed {seed}: too much is refused");
}

#[tokio::test]
async fn groups_and_totals_are_those_of_datafusion() {
    let seed = TestRunner::new(Config::default()).rng().next_u64();
    println!("seed {seed}");
    let mut next = sequence(seed);
    let schema = samples::schema();
    let rows = rows(&mut next, &schema, 600);
    let table = coded(&schema, &rows);
    let sql = "SELECT telephone, COUNT(*) AS n, COUNT(rate) AS rates, SUM(limit_used) AS used, \
               AVG(credit_amount) AS a \
               FROM german_credit WHERE age_in_years >= 30 OR foreign_worker GROUP BY telephone";
    let query = bind(samples::dataset(), &schema, sql).expect("answerable");
    let terms = query.released_terms(&schema);
    let groups = plaintext::evaluate(&schema, &query, &table);
    let batches = run(&schema, batch(&schema, &rows), sql).await;
    let mut seen = 0;
    for batch in &batches {
        let text = cast(batch.column(0), &DataType::Utf8).expect("texts");
        let text = text.as_any().downcast_ref::<StringArray>().expect("texts");
        for row in 0..batch.num_rows() {
            let label = (!text.is_null(row)).then(|| text.value(row).to_owned());
            let group = groups
                .iter()
                .find(|group| schema.columns[7].label(group.key[0]) == label)
                .unwrap_or_else(|| panic!("seed {seed}: no group {label:?}"));
            let value = |term| group.values[terms.iter().position(|t| *t == term).expect("released")];
            let column = |index: usize| batch.column(index).as_any();
            let integer =
                |index: usize| column(index).downcast_ref::<Int64Array>().expect("integers").value(row);
            let used = column(3).downcast_ref::<Decimal128Array>().expect("decimals").value(row);
            let average = column(4).downcast_ref::<Float64Array>().expect("floats").value(row);
            assert_eq!(integer(1), i64::try_from(group.rows).expect("few"), "seed {seed}");
            assert_eq!(integer(2), value(Term::Present(ColumnId(5))), "seed {seed}");
            assert_eq!(used, i128::from(value(Term::Sum(ColumnId(11)))), "seed {seed}");
            let expected = value(Term::Sum(ColumnId(4))) as f64 / group.rows as f64;
            assert!((average - expected).abs() < 1e-6, "seed {seed}");
            seen += 1;
        }
    }
    assert_eq!(seen, groups.iter().filter(|group| group.rows > 0).count(), "seed {seed}");
}
