//! Models that libraries fitted on real tables, with rows and what the library predicts for them;
//! written by `sdk/python-export/tests/make_fixtures.py`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;
use serde_json::Value;
use sordino_model::{import, limits::Limits, model::Model, scalar::Scalar};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
    pub(crate) expected: Expected,
    pub(crate) export: Option<Value>,
    pub(crate) xgboost: Option<Value>,
    pub(crate) lightgbm: Option<String>,
    pub(crate) dump: Option<Value>,
    /// In base 64.
    pub(crate) onnx: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) tolerance: f64,
    pub(crate) probabilities: Option<Vec<Vec<f64>>>,
    pub(crate) scores: Option<Vec<Vec<f64>>>,
    pub(crate) classes: Option<Vec<usize>>,
    pub(crate) numbers: Option<Vec<f64>>,
}

pub(crate) fn fixtures() -> BTreeMap<String, Fixture> {
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
pub(crate) fn models(fixture: &Fixture) -> Vec<(&'static str, Model)> {
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
    if fixture.onnx.is_some() {
        bytes.push(("onnx", onnx_bytes(fixture)));
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
pub(crate) fn row(model: &Model, columns: &[String], cells: &[Option<String>]) -> Vec<Scalar> {
    let value = |name: &String| {
        let position = columns.iter().position(|column| column == name).expect("the input is a column");
        Scalar::from_cell(cells[position].as_deref())
    };
    model.inputs.iter().map(|input| value(&input.name)).collect()
}

/// The file of a fixture with an ONNX model.
pub(crate) fn onnx_bytes(fixture: &Fixture) -> Vec<u8> {
    let text = fixture.onnx.as_deref().expect("an ONNX model");
    BASE64_STANDARD.decode(text).expect("base 64")
}
