//! Tests on small tables and on the example data.

use std::{io::Write, path::Path};

use sordino_protocol::{
    coded::CodedTable,
    schema::{Domain, Measure},
};

use super::*;

fn inferred(csv: &str) -> Inferred {
    let mut file = tempfile::Builder::new().prefix("sample-table").suffix(".csv").tempfile().expect("a file");
    file.write_all(csv.as_bytes()).expect("written");
    infer(&Table::open(file.path()).expect("sound")).expect("inferred")
}

/// The text is read back to the same schema, and every row of the table fits it.
fn check(path: &Path) -> Inferred {
    let table = Table::open(path).expect("sound");
    let inferred = infer(&table).expect("inferred");
    let read: Schema = toml::from_str(&inferred.toml).expect("valid TOML");
    assert_eq!(read, inferred.schema);
    read.validate().expect("a sound schema");
    let mapping = table.map(&read).expect("complete");
    let mut coded = CodedTable::new(&read);
    table
        .visit(|row, cells| {
            let mut selected = Vec::new();
            mapping.select(cells, &mut selected);
            coded.push(&read, row, &selected).expect("fits");
            Ok::<_, TableError>(())
        })
        .expect("read");
    assert_eq!(coded.rows as u64, inferred.rows);
    inferred
}

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name)
}

fn column<'a>(inferred: &'a Inferred, name: &str) -> &'a Column {
    inferred.schema.column(inferred.schema.find(name).expect("there"))
}

#[test]
fn german_credit_gets_categories_codes_and_buckets() {
    let inferred = check(&data("german_credit.csv"));
    for name in ["creditability", "housing", "telephone", "purpose"] {
        assert!(matches!(column(&inferred, name).dimension, Some(Domain::Category { .. })), "{name}");
        assert!(column(&inferred, name).measure.is_none(), "{name}");
    }
    let age = column(&inferred, "age_in_years");
    assert_eq!(age.dimension, Some(Domain::Integer { min: 19, max: 75 }));
    let amount = column(&inferred, "credit_amount");
    assert_eq!(amount.measure, Some(Measure { scale: 0, min: 0, max: 20_000 }));
    assert!(
        matches!(&amount.dimension, Some(Domain::Buckets { edges, .. }) if (12..=33).contains(&edges.len()))
    );
    assert!(inferred.schema.columns.iter().all(|c| c.dimension.is_some() && !c.nullable));
}

#[test]
fn other_example_tables_fit_what_is_inferred_for_them() {
    let cancer = check(&data("breast_cancer.csv"));
    assert_eq!(column(&cancer, "mean_radius").measure.as_ref().map(|m| m.scale), Some(3));
    let trial = check(&data("actg175.csv"));
    assert!(column(&trial, "pidnum").dimension.is_none(), "an identifier");
    assert!(column(&trial, "cd496").nullable);
    assert_eq!(trial.schema.null_values, ["NA"]);
    assert_eq!(column(&trial, "gender").dimension, Some(Domain::Integer { min: 0, max: 1 }));
}

#[test]
fn names_are_not_published_and_hard_texts_survive() {
    let mut csv = "name,grade,member,joined,\"odd \"\"column\"\"\"\n".to_owned();
    for row in 0..60 {
        let grade = ["a \"quoted\" one", "b\\slash", "née # x"][row % 3];
        let grade = grade.replace('"', "\"\"");
        let day = row % 28 + 1;
        csv.push_str(&format!(
            "Person {row},\"{grade}\",{},2024-01-{day:02},{}\n",
            row % 2 == 0,
            row as f64 / 4.0
        ));
    }
    let inferred = inferred(&csv);
    let read: Schema = toml::from_str(&inferred.toml).expect("valid TOML");
    assert_eq!(read, inferred.schema);
    assert!(column(&inferred, "name").dimension.is_none());
    assert!(!inferred.toml.contains("Person"));
    assert_eq!(column(&inferred, "member").dimension, Some(Domain::Boolean));
    assert!(
        matches!(&column(&inferred, "joined").dimension, Some(Domain::Date { edges }) if edges.len() == 29)
    );
    assert_eq!(column(&inferred, "odd \"column\"").measure.as_ref().map(|m| m.scale), Some(2));
}

#[test]
fn an_empty_table_is_an_error() {
    let mut file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a file");
    file.write_all(b"a,b\n").expect("written");
    let table = Table::open(file.path()).expect("a header");
    assert!(matches!(infer(&table), Err(TableError::NoRows { .. })));
}
