//! Tables to publish.

use std::path::{Path, PathBuf};

use sordino_client::table::Table;
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    coded::CodedTable,
    digest::Digest,
    plaintext,
    query::Query,
    release_values,
    schema::{Column, Domain, Measure, Schema},
};

/// German Credit, see `data/README.md`.
pub fn german_credit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/german_credit.csv")
}

/// Breast Cancer Wisconsin, see `data/README.md`.
pub fn breast_cancer() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/breast_cancer.csv")
}

/// A model of scikit-learn that was fitted to a table, and the schema that the table is published with.
pub fn fitted(table: &str, kind: &str) -> (Vec<u8>, Schema) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join(format!("../sdk/model/tests/auditions/{table}.json"));
    let fixture: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("a fixture");
    let schema = serde_json::from_value(fixture["schema"].clone()).expect("a schema");
    (serde_json::to_vec(&fixture["models"][kind]["export"]).expect("JSON"), schema)
}

/// The schema that is inferred from a table.
pub fn inferred(table: &Path) -> Schema {
    sordino_client::infer::infer(&Table::open(table).expect("a table")).expect("inferred").schema
}

/// The plaintext rows of a table.
pub fn coded(schema: &Schema, table: &Path) -> CodedTable {
    let table = Table::open(table).expect("a table");
    let mapping = table.map(schema).expect("the columns are there");
    let mut rows = CodedTable::new(schema);
    table
        .visit(|row, cells| -> anyhow::Result<()> {
            let mut selected = vec![];
            mapping.select(cells, &mut selected);
            Ok(rows.push(schema, row, &selected)?)
        })
        .expect("every row fits");
    rows
}

/// What an exact answer must be, from the plaintext, as a buyer reads it.
pub fn expected(
    schema: &Schema,
    query: &Query,
    digest: Digest,
    rows: &CodedTable,
    min_cohort: u32,
) -> Answer {
    let needs = query.requirements(schema);
    let noise = vec![0.0; needs.quantities.len()];
    let groups = plaintext::evaluate(schema, query, rows)
        .into_iter()
        .map(|totals| {
            let shown = totals.rows >= u64::from(min_cohort);
            let release = || release_values::release(schema, &needs, &totals, &noise, min_cohort);
            let values = shown.then(release);
            AnswerGroup { key: totals.key, values }
        })
        .collect();
    let answer = Answer::new(schema, query, digest, groups, noise, min_cohort);
    // The last bit of a floating-point number may change when it is written and read.
    let written = serde_json::to_vec(&answer).expect("JSON");
    serde_json::from_slice(&written).expect("the same JSON")
}

/// A small table: `city` (3 categories), `age` (0 to 9), `income` (0 to 10,000,000).
pub fn small_schema() -> Schema {
    let column = |name: &str, dimension, measure| Column {
        name: name.to_owned(),
        description: String::new(),
        nullable: false,
        dimension,
        measure,
    };
    let cities = ["Bern", "Oslo", "Rome"].map(str::to_owned).to_vec();
    Schema {
        table: "people".to_owned(),
        null_values: vec![String::new()],
        columns: vec![
            column("city", Some(Domain::Category { values: cities }), None),
            column("age", Some(Domain::Integer { min: 0, max: 9 }), None),
            column("income", None, Some(Measure { scale: 0, min: 0, max: 10_000_000 })),
        ],
    }
}

/// Writes a table of [`small_schema`] with the given rows.
pub fn write_small(path: &Path, rows: impl IntoIterator<Item = (&'static str, u32, u64)>) {
    let mut text = String::from("city,age,income\n");
    for (city, age, income) in rows {
        text.push_str(&format!("{city},{age},{income}\n"));
    }
    std::fs::write(path, text).expect("written");
}

/// Rows that are all different: 60 of them.
pub fn small_rows() -> impl Iterator<Item = (&'static str, u32, u64)> {
    (0..60u32).map(|i| (["Bern", "Oslo", "Rome"][(i % 3) as usize], i % 10, u64::from(i) * 1_001))
}
