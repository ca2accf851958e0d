//! Encrypted predictions by networks of one hidden layer, of all columns of real tables.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sordino_model::{
    import,
    limits::Limits,
    quantise::{Options, quantise},
};

use super::{
    Size,
    case::Case,
    predictions::{Offered, accuracy},
    tables::{Numbers, Rows},
};

/// By table; written by `sdk/python-export/tests/make_bench_models.py`.
const MODELS: &str = include_str!("networks.json");
/// Bits of a score, what the parameter set holds.
const SCORE_BITS: u32 = 15;
/// Buckets of a column of numbers.
const BUCKETS: usize = 16;

#[derive(Deserialize)]
struct Fitted {
    label: String,
    /// On the rows for testing, by the library.
    accuracy: f64,
    export: Value,
}

pub(super) fn measure(size: &Size, report: &mut dyn FnMut(Case) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let fitted: BTreeMap<String, Fitted> = serde_json::from_str(MODELS)?;
    for (table, fitted) in fitted.iter().take(if size.few { 1 } else { fitted.len() }) {
        let case = |rows: &usize| format!("predict_network_{table}_{rows}");
        let batches: Vec<usize> =
            [1, size.batch].into_iter().filter(|rows| size.wants(&case(rows))).collect();
        if batches.is_empty() {
            continue;
        }
        let offered = offered(table, fitted)?;
        for rows in batches {
            report(offered.predict(case(&rows), 0..rows)?)?;
        }
    }
    Ok(())
}

fn offered(table: &str, fitted: &Fitted) -> anyhow::Result<Offered> {
    let read = import::any(fitted.export.to_string().as_bytes(), None, &Limits::default())?;
    let columns: Vec<&str> = read.inputs.iter().map(|input| input.name.as_str()).collect();
    let rows = Rows::published(table, &columns, &fitted.label, Numbers::Buckets(BUCKETS))?;
    let model = quantise(&read, &rows.schema, &Options::of_network(SCORE_BITS))?.model;
    let accuracy = accuracy(&model, &rows, table, &fitted.label)?;
    Ok(Offered { library_accuracy: fitted.accuracy, accuracy, model, rows })
}
