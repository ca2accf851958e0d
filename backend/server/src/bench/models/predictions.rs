//! Encrypted predictions by the models that `tests/peers/concrete_ml.py` fits: a client's keys and rows,
//! the platform's evaluation, and scores that are those of the integer model.

use std::{collections::BTreeMap, ops::Range};

use rand::{SeedableRng, rngs::StdRng};
use serde::Deserialize;
use serde_json::Value;
use sordino_fhe::{
    predict::{ClientKeys, Evaluator, decrypt, encrypt, inputs_size},
    progress::Silent,
};
use sordino_model::{
    import,
    limits::Limits,
    predict::{Serving, program},
    quantise::{Options, Prefer, Resolution, quantise},
    quantised::{self, Quantised, Shape},
};
use sordino_protocol::{
    predict::{InputEncoding, Packing, PredictionProgram},
    schema::Schema,
};

use super::{
    Size,
    case::{Case, Details, Prediction, sets},
    tables::{Numbers, Rows},
};
use crate::bench::data;

/// Written by `sdk/python-export/tests/make_bench_models.py`.
const MODELS: &str = include_str!("peers.json");
const TABLE: &str = "breast_cancer";
const LABEL: &str = "diagnosis";
/// As the class of 1 of XGBoost, which has numbers for classes.
const CLASSES: [&str; 2] = ["benign", "malignant"];
/// Bits of a score. Measures of many digits need more than codes, or their weights would round to nothing.
const LINEAR_BITS: u32 = 30;
const TREE_BITS: u32 = 16;
/// Buckets of a measure of which the class alone is told: sums of few levels read codes.
const BUCKETS: usize = 16;
/// Every so many rows are for testing.
const TESTING: usize = 4;

#[derive(Deserialize)]
struct Fitted {
    /// On the rows for testing, by the library.
    accuracy: f64,
    export: Value,
}

/// A model that is offered.
pub(super) struct Offered {
    pub(super) library_accuracy: f64,
    pub(super) accuracy: f64,
    pub(super) model: Quantised,
    pub(super) rows: Rows,
}

pub(super) fn measure(size: &Size, report: &mut dyn FnMut(Case) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let fitted: BTreeMap<String, Fitted> = serde_json::from_str(MODELS)?;
    for (name, fitted) in fitted.iter().take(if size.few { 2 } else { fitted.len() }) {
        let case = |rows: &usize| format!("predict_{name}_{rows}");
        let batches: Vec<usize> =
            [1, size.batch].into_iter().filter(|rows| size.wants(&case(rows))).collect();
        if batches.is_empty() {
            continue;
        }
        let offered = Offered::new(name, fitted)?;
        for rows in batches {
            report(offered.predict(case(&rows), 0..rows)?)?;
        }
    }
    for (rows, case) in [1, size.batch].map(|rows| (rows, format!("predict_logistic_class_{rows}"))) {
        if let Some(fitted) = fitted.get("logistic").filter(|_| size.wants(&case)) {
            report(Offered::class_of(fitted)?.predict(case, 0..rows)?)?;
        }
    }
    Ok(())
}

impl Offered {
    fn new(name: &str, fitted: &Fitted) -> anyhow::Result<Self> {
        let mut read = import::any(fitted.export.to_string().as_bytes(), None, &Limits::default())?;
        if read.classes == ["0", "1"] {
            read.classes = CLASSES.map(str::to_owned).to_vec();
        }
        let linear = name.starts_with("logistic");
        let columns: Vec<&str> = read.inputs.iter().map(|input| input.name.as_str()).collect();
        let numbers = if linear { Numbers::Measures } else { Numbers::Values };
        let rows = Rows::published(TABLE, &columns, LABEL, numbers)?;
        let prefer = if linear { Prefer::Measures } else { Prefer::Codes };
        let resolution = Resolution::ScoreBits(if linear { LINEAR_BITS } else { TREE_BITS });
        let options = Options { prefer, resolution, ..Options::default() };
        let model = quantise(&read, &rows.schema, &options)?.model;
        let accuracy = accuracy(&model, &rows, TABLE, LABEL)?;
        Ok(Self { library_accuracy: fitted.accuracy, accuracy, model, rows })
    }

    /// A linear model that tells the class alone.
    fn class_of(fitted: &Fitted) -> anyhow::Result<Self> {
        let read = import::any(fitted.export.to_string().as_bytes(), None, &Limits::default())?;
        let columns: Vec<&str> = read.inputs.iter().map(|input| input.name.as_str()).collect();
        let rows = Rows::published(TABLE, &columns, LABEL, Numbers::Buckets(BUCKETS))?;
        let model = quantise(&read, &rows.schema, &Options::of_classes())?.model;
        let accuracy = accuracy(&model, &rows, TABLE, LABEL)?;
        Ok(Self { library_accuracy: fitted.accuracy, accuracy, model, rows })
    }

    /// Predicts rows in one request.
    pub(super) fn predict(&self, case: String, rows: Range<usize>) -> anyhow::Result<Case> {
        let program = smallest(&self.model, &self.rows.schema, rows.len())?;
        let (form, table) = (&program.form, &self.rows.coded);
        let keys = ClientKeys::generate(form.parameter_set, &mut StdRng::from_os_rng())?;
        let registration = keys.registration(&mut StdRng::from_os_rng())?;
        let evaluator = Evaluator::new(form.parameter_set, &registration)?;
        // Of what takes less than a millisecond, enough that caches are warm.
        let repeats = match &form.packing {
            Packing::Rows { .. } => 25,
            _ if rows.len() == 1 => 5,
            _ => 1,
        };
        let (encrypt_s, inputs) = data::fastest(repeats, || {
            Ok(encrypt(&keys, form, table, rows.clone(), &mut StdRng::from_os_rng())?)
        })?;
        // On a thread of the pool, as the server does.
        let evaluate = || Ok(evaluator.evaluate(&program, &inputs, &mut StdRng::from_os_rng(), &Silent)?);
        let (evaluate_s, outputs) = rayon::join(|| data::fastest(repeats, evaluate), || ()).0?;
        let (decrypt_s, scores) =
            data::fastest(repeats, || Ok(decrypt(&keys, form, rows.clone(), &outputs)?))?;
        let samples = rows.len();
        let clear = rows.map(|row| Ok(quantised::evaluate(&self.model, table, row)?.scores));
        let exact = scores == clear.collect::<anyhow::Result<Vec<_>>>()?;
        let layout = match &form.packing {
            Packing::Batch { .. } => "batch",
            Packing::Rows { .. } => "rows",
            Packing::Trees { .. } => "trees",
            Packing::Network { .. } => "network",
        };
        Ok(Case {
            case,
            exact,
            evaluate_s,
            samples,
            layout: layout.to_owned(),
            parameter_set: sets([&form.parameter_set]),
            threads: rayon::current_num_threads(),
            goal_s: None,
            details: Details::Prediction(Prediction {
                encrypt_s,
                decrypt_s,
                request_bytes: inputs.len(),
                registration_bytes: registration.len(),
                answer_bytes: outputs.len(),
                accuracy: self.accuracy,
                library_accuracy: self.library_accuracy,
            }),
        })
    }
}

/// The way of packing that takes the fewest bytes for so many rows, as a client chooses.
fn smallest(model: &Quantised, schema: &Schema, rows: usize) -> anyhow::Result<PredictionProgram> {
    let single = rows == 1 || !matches!(model.shape, Shape::Trees { .. });
    let servings = single.then_some(Serving::Single).into_iter().chain([Serving::Batch]);
    let programs = servings
        .map(|serving| program(model, schema, InputEncoding::Tests, serving))
        .collect::<Result<Vec<_>, _>>()?;
    let fits = programs.into_iter().filter(|program| rows <= program.form.rows());
    let bytes = |program: &PredictionProgram| inputs_size(&program.form, rows).unwrap_or(u64::MAX);
    fits.min_by_key(bytes).ok_or_else(|| anyhow::anyhow!("no form takes {rows} rows"))
}

/// On the rows for testing.
pub(super) fn accuracy(model: &Quantised, rows: &Rows, table: &str, label: &str) -> anyhow::Result<f64> {
    let labels = Rows::inferred(table, &[label])?;
    let (mut right, mut all) = (0.0, 0.0);
    for row in (0..rows.coded.rows).step_by(TESTING) {
        let class = quantised::evaluate(model, &rows.coded, row)?.class.map(|class| &model.classes[class]);
        right += f64::from(class == labels.cells[row][0].as_ref());
        all += 1.0;
    }
    Ok(right / all)
}
