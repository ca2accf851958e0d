//! Fitted models with rows to predict: the fixtures of `sdk/model`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sordino_protocol::schema::{Column, Domain, Measure, Schema, scaled};

/// A model in a file, rows in another, and what is public of them.
pub struct Fitted {
    /// The model.
    pub model: PathBuf,
    /// The rows, CSV.
    pub rows: PathBuf,
    /// Their schema.
    pub schema: Schema,
}

/// How columns of numbers are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// As buckets, so that each value that occurs has its own.
    Buckets,
    /// As measures.
    Measures,
}

/// Writes a fixture's model and rows below `folder`.
///
/// # Panics
/// When there is no such fixture, or it is no export of scikit-learn.
pub fn fitted(folder: &Path, name: &str, numbers: Numbers) -> Fitted {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/model/tests/fixtures");
    let text = fs::read(fixtures.join(name).with_extension("json")).expect("a fixture");
    let fixture: Value = serde_json::from_slice(&text).expect("JSON");
    let columns: Vec<String> = serde_json::from_value(fixture["columns"].clone()).expect("columns");
    let cells: Vec<Vec<Option<String>>> = serde_json::from_value(fixture["rows"].clone()).expect("rows");
    let model = folder.join(format!("{name}.json"));
    fs::write(&model, fixture["export"].to_string()).expect("written");
    let rows = folder.join(format!("{name}.csv"));
    let mut csv = csv::Writer::from_path(&rows).expect("a file");
    csv.write_record(&columns).expect("written");
    for row in &cells {
        csv.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default())).expect("written");
    }
    csv.flush().expect("written");
    let column = |(index, name): (usize, &String)| {
        let texts: BTreeSet<&str> = cells.iter().filter_map(|row| row[index].as_deref()).collect();
        describe(name, &texts, cells.iter().any(|row| row[index].is_none()), numbers)
    };
    let columns = columns.iter().enumerate().map(column).collect();
    let schema = Schema { table: "rows".to_owned(), null_values: vec![String::new()], columns };
    schema.validate().expect("a valid schema");
    Fitted { model, rows, schema }
}

fn describe(name: &str, texts: &BTreeSet<&str>, nullable: bool, numbers: Numbers) -> Column {
    let (name, description) = (name.to_owned(), String::new());
    let places = |text: &&str| {
        text.parse::<f64>().ok()?;
        (0..=12).find(|scale| scaled(text, *scale).is_ok())
    };
    let scale = texts.iter().map(places).try_fold(0, |scale, found| Some(found?.max(scale)));
    let Some(scale) = scale else {
        let values = texts.iter().map(|text| (*text).to_owned()).collect();
        let dimension = Some(Domain::Category { values });
        return Column { name, description, nullable, dimension, measure: None };
    };
    let values: BTreeSet<i64> = texts.iter().map(|text| scaled(text, scale).expect("a number")).collect();
    let (min, max) = (*values.first().expect("a value"), *values.last().expect("a value"));
    let (dimension, measure) = match numbers {
        Numbers::Measures => (None, Some(Measure { scale, min, max })),
        Numbers::Buckets => {
            let edges: BTreeSet<i64> = values.iter().flat_map(|value| [*value, value + 1]).collect();
            (Some(Domain::Buckets { scale, edges: edges.into_iter().collect() }), None)
        }
    };
    Column { name, description, nullable, dimension, measure }
}
