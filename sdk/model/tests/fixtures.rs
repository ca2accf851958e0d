//! Models fitted by scikit-learn, XGBoost and LightGBM on real tables: read from every format they are
//! written in, they predict what the library predicts. `sdk/python-export/tests/make_fixtures.py`
//! writes the fixtures.

use std::{collections::BTreeMap, fs, path::PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;
use serde_json::Value;
use sordino_model::{
    float::{Outcome, evaluate},
    import,
    limits::Limits,
    model::Model,
    scalar::Scalar,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
    expected: Expected,
    export: Option<Value>,
    xgboost: Option<Value>,
    lightgbm: Option<String>,
    dump: Option<Value>,
    /// In base 64.
    onnx: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    tolerance: f64,
    probabilities: Option<Vec<Vec<f64>>>,
    scores: Option<Vec<Vec<f64>>>,
    classes: Option<Vec<usize>>,
    numbers: Option<Vec<f64>>,
}

fn fixtures() -> BTreeMap<String, Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder of fixtures") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read(&path).expect("a readable fixture");
        found.insert(name, serde_json::from_slice(&text).expect("a fixture"));
    }
    found
}

/// The model in every format that the fixture has.
fn models(fixture: &Fixture) -> Vec<(&'static str, Model)> {
    let limits = Limits::default();
    let mut bytes: Vec<(&str, Vec<u8>)> = Vec::new();
    for (format, value) in
        [("export", &fixture.export), ("xgboost", &fixture.xgboost), ("dump", &fixture.dump)]
    {
        if let Some(value) = value {
            bytes.push((format, serde_json::to_vec(value).expect("JSON")));
        }
    }
    if let Some(text) = &fixture.lightgbm {
        bytes.push(("lightgbm", text.clone().into_bytes()));
    }
    if let Some(text) = &fixture.onnx {
        bytes.push(("onnx", BASE64_STANDARD.decode(text).expect("base 64")));
    }
    assert!(!bytes.is_empty(), "a fixture has a model");
    let read = |(format, bytes): (&'static str, Vec<u8>)| {
        // ONNX files of these fixtures have one unnamed input for all columns, or one input for each.
        let names = (format == "onnx").then_some(fixture.columns.as_slice());
        (format, import::any(&bytes, names, &limits).unwrap_or_else(|error| panic!("{format}: {error}")))
    };
    bytes.into_iter().map(read).collect()
}

/// A row in the order of the model's inputs.
fn row(model: &Model, columns: &[String], cells: &[Option<String>]) -> Vec<Scalar> {
    let value = |name: &String| {
        let position = columns.iter().position(|column| column == name).expect("the input is a column");
        Scalar::from_cell(cells[position].as_deref())
    };
    model.inputs.iter().map(|input| value(&input.name)).collect()
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(1.0)
}

#[test]
fn models_predict_what_their_library_predicts() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 25, "{} fixtures", fixtures.len());
    for (name, fixture) in &fixtures {
        for (format, model) in models(fixture) {
            let Expected { tolerance, probabilities, scores, classes, numbers } = &fixture.expected;
            for (index, cells) in fixture.rows.iter().enumerate() {
                let at = format!("{name} from {format}, row {index}");
                let found = evaluate(&model, &row(&model, &fixture.columns, cells))
                    .unwrap_or_else(|error| panic!("{at}: {error}"));
                let same = |found: &[f64], expected: &[f64]| {
                    assert_eq!(found.len(), expected.len(), "{at}");
                    for (found, expected) in found.iter().zip(expected) {
                        assert!(close(*found, *expected, *tolerance), "{at}: {found}, expected {expected}");
                    }
                };
                if let Some(scores) = scores {
                    same(&found.scores, &scores[index]);
                }
                match &found.outcome {
                    Outcome::Number(number) => {
                        same(&[*number], &[numbers.as_ref().expect("numbers")[index]]);
                    }
                    Outcome::Class { class, probabilities: stated } => {
                        assert_eq!(*class, classes.as_ref().expect("classes")[index], "{at}");
                        if let Some(expected) = probabilities {
                            same(stated.as_ref().expect("probabilities"), &expected[index]);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn canonical_bytes_read_back_as_the_same_model() {
    for (name, fixture) in fixtures() {
        for (format, model) in models(&fixture) {
            let bytes = model.canonical_bytes().expect("canonical");
            assert_eq!(import::detect(&bytes), Some(import::Source::Sordino));
            let read = Model::from_json(&bytes, &Limits::default()).expect("our own format");
            assert_eq!(read, model, "{name} from {format}");
            assert_eq!(read.canonical_bytes().expect("canonical"), bytes);
        }
    }
}
