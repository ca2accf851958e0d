//! The file that Python loads: its predictions are those of this crate. `sdk/python-export/tests/test_load.py`
//! compares the same file with what Python says.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sordino_model::{
    export::sklearn,
    float::{self, Outcome},
    limits::Limits,
    model::Model,
    scalar::Scalar,
};

use super::oracle::{Protection, cases};

/// A file of a trained model, rows of its inputs, and what it predicts for them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exported {
    file: Value,
    rows: Vec<Vec<Scalar>>,
    predictions: Vec<Value>,
    probabilities: Option<Vec<Vec<f64>>>,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/trained.json")
}

fn predict(model: &Model, rows: &[Vec<Scalar>]) -> (Vec<Value>, Option<Vec<Vec<f64>>>) {
    let outcomes = rows.iter().map(|row| float::evaluate(model, row).expect("a prediction").outcome);
    let outcomes: Vec<Outcome> = outcomes.collect();
    let shown = |outcome: &Outcome| match outcome {
        Outcome::Number(number) => Value::from(*number),
        Outcome::Class { class, .. } => Value::from(model.classes[*class].clone()),
    };
    let probabilities = outcomes.iter().map(|outcome| match outcome {
        Outcome::Class { probabilities, .. } => probabilities.clone(),
        Outcome::Number(_) => None,
    });
    (outcomes.iter().map(shown).collect(), probabilities.collect())
}

#[test]
fn the_recorded_files_predict_what_is_recorded() {
    let text = std::fs::read(path()).expect("the recorded files");
    let recorded: BTreeMap<String, Exported> = serde_json::from_slice(&text).expect("recorded files");
    assert_eq!(recorded.len(), cases().len());
    for (name, exported) in recorded {
        let bytes = serde_json::to_vec(&exported.file).expect("JSON");
        let model = sklearn::read(&bytes, &Limits::default()).expect("a model");
        let (predictions, probabilities) = predict(&model, &exported.rows);
        for (found, wanted) in predictions.iter().zip(&exported.predictions) {
            match (found.as_f64(), wanted.as_f64()) {
                (Some(found), Some(wanted)) => {
                    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{name}");
                }
                _ => assert_eq!(found, wanted, "{name}"),
            }
        }
        assert_eq!(probabilities.is_some(), exported.probabilities.is_some(), "{name}");
    }
}

#[test]
#[ignore = "writes the recorded files anew, after a change of what trainers find"]
fn write_files() {
    let mut written = BTreeMap::new();
    for (name, case) in cases() {
        let rows = case.rows();
        let trained = case.train(&rows, &Protection::cohort(1));
        let bytes = sklearn::write(&trained).expect("a file");
        let inputs = |cells: &BTreeMap<String, Option<String>>| -> Vec<Scalar> {
            let inputs = trained.model.inputs.iter();
            inputs.map(|input| Scalar::from_cell(cells[&input.name].as_deref())).collect()
        };
        let rows: Vec<Vec<Scalar>> = rows.cells.iter().take(10).map(inputs).collect();
        let (predictions, probabilities) = predict(&trained.model, &rows);
        let file = serde_json::from_slice(&bytes).expect("JSON");
        written.insert(name, Exported { file, rows, predictions, probabilities });
    }
    std::fs::write(path(), serde_json::to_vec(&written).expect("JSON")).expect("written");
}
