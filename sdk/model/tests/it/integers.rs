//! Integers against floating point, on the rows of real tables.

use sordino_model::{
    model::{Estimator, Kind, Model},
    preflight::{Preflight, preflight},
    quantise::{Options, Prefer, Resolution, quantise},
    quantised::{Quantised, evaluate},
};
use sordino_protocol::{canonical::Canonical, coded::CodedTable, schema::Schema};

use crate::{
    fixture::{Fixture, fixtures, models},
    tables::{Published, schema},
};

fn fine() -> Options {
    Options { resolution: Resolution::ScoreBits(28), table_bits: 12, ..Options::default() }
}

fn look(model: &Model, fixture: &Fixture, schema: &Schema, options: &Options) -> Preflight {
    preflight(model, schema, &fixture.rows, options)
}

#[test]
fn integers_follow_the_model_within_the_stated_error() {
    for (name, fixture) in fixtures() {
        let schema = schema(&fixture, Published::Values);
        for (format, model) in models(&fixture) {
            let found = look(&model, &fixture, &schema, &fine());
            assert!(found.is_supported(), "{name} from {format}: {:?}", found.advice);
            let rows = found.rows.expect("rows were given");
            assert_eq!(
                (rows.rows, rows.refused),
                (fixture.rows.len(), 0),
                "{name}: {:?}",
                rows.first_refusal
            );
            if let Some(rounding) = found.report.and_then(|report| report.rounding) {
                let stated = rounding.iter().copied().fold(0.0, f64::max);
                // The floating-point sums themselves are exact to their last bits only.
                let most = stated + 1e-9;
                assert!(rows.max_score_difference <= most, "{name}: {rows:?}, stated {stated}");
                assert!(stated < 2e-3, "{name}: {stated}");
            }
            let least = if found.kind == Kind::Network { 0.95 } else { 1.0 };
            assert!(rows.equal_classes.unwrap_or(1.0) >= least, "{name} from {format}: {rows:?}");
        }
    }
}

#[test]
fn measures_are_read_without_buckets() {
    let options = Options { resolution: Resolution::FractionBits(40), ..fine() };
    for name in ["linear_regression", "ridge", "gaussian_nb", "k_means", "logistic_imputed", "mlp"] {
        let fixture = fixtures().remove(name).expect("the fixture");
        let schema = schema(&fixture, Published::Measures);
        let (_, model) = models(&fixture).remove(0);
        let found = look(&model, &fixture, &schema, &options);
        assert!(found.is_supported(), "{name}: {:?}", found.advice);
        let rows = found.rows.expect("rows were given");
        let report = found.report.expect("a report");
        if let Some(rounding) = report.rounding {
            let stated = rounding.iter().copied().fold(0.0, f64::max);
            assert!(rows.max_score_difference <= stated + 1e-9, "{name}: {rows:?}, stated {stated}");
        }
        assert!(rows.equal_classes.unwrap_or(1.0) >= 0.95, "{name}: {rows:?}");
    }
}

#[test]
fn wide_buckets_are_reported_and_refused_on_request() {
    for (name, fixture) in fixtures() {
        let schema = schema(&fixture, Published::Buckets);
        let (_, model) = models(&fixture).remove(0);
        let options = Options { prefer: Prefer::Codes, ..fine() };
        let found = look(&model, &fixture, &schema, &options);
        if name == "onnx_categorical" {
            // Its inputs are codes; a bucket of several has no table entry.
            assert!(found.advice[0].contains("no table entry"), "{:?}", found.advice);
            continue;
        }
        assert!(found.is_supported(), "{name}: {:?}", found.advice);
        let report = found.report.expect("a report");
        if let (Some(buckets), Some(rounding)) = (&report.buckets, &report.rounding) {
            let stated = buckets.iter().chain(rounding).copied().fold(0.0, f64::max) * 2.0;
            let rows = found.rows.expect("rows were given");
            assert!(rows.max_score_difference <= stated + 1e-9, "{name}: {rows:?}, stated {stated}");
        }
        if name == "decision_tree" {
            assert!(!report.cuts.is_empty(), "{name} has thresholds inside buckets");
            assert!(quantise(&model, &schema, &Options { exact_splits: true, ..options }).is_err());
        }
    }
}

#[test]
fn integer_models_have_a_canonical_form() {
    for (name, fixture) in fixtures() {
        let schema = schema(&fixture, Published::Values);
        let (_, model) = models(&fixture).remove(0);
        let made = quantise(&model, &schema, &Options::default()).expect("integers").model;
        let bytes = made.canonical_bytes().expect("integers only");
        let read: Quantised = serde_json::from_slice(&bytes).expect("reads back");
        assert_eq!(read, made, "{name}");
        assert!(made.bounds.iter().all(|(low, high)| low <= high && high.abs_diff(*low) < 1 << 16), "{name}");
        assert!(made.columns().iter().all(|column| column.index() < schema.columns.len()));
        let mut table = CodedTable::new(&schema);
        for (row, cells) in fixture.rows.iter().enumerate() {
            let cells: Vec<Option<&str>> = cells.iter().map(Option::as_deref).collect();
            table.push(&schema, row as u64, &cells).expect("fits the schema");
            let scores = evaluate(&made, &table, row).expect("a prediction").scores;
            for (score, (low, high)) in scores.iter().zip(&made.bounds) {
                assert!((low..=high).contains(&score), "{name}: {score} is outside {low}..={high}");
            }
        }
    }
}

#[test]
fn a_preflight_says_what_is_missing() {
    let fixture = fixtures().remove("decision_tree").expect("the fixture");
    let (_, model) = models(&fixture).remove(0);
    assert!(matches!(model.estimator, Estimator::Trees { .. }));
    let mut schema = schema(&fixture, Published::Measures);
    schema.columns[0].name = "renamed".to_owned();
    let found = preflight(&model, &schema, &fixture.rows, &Options::default());
    assert!(!found.is_supported());
    assert_eq!(found.problems.len(), fixture.columns.len(), "{:?}", found.advice);
    assert!(found.advice[0].contains("no such column"), "{:?}", found.advice);
    assert!(found.advice[1].contains("needs a dimension"), "{:?}", found.advice);
    let text = serde_json::to_string(&found).expect("serialises");
    assert_eq!(serde_json::from_str::<Preflight>(&text).expect("reads back"), found);
}

#[test]
fn a_constant_model_has_integers() {
    let fixture = fixtures().remove("ridge").expect("the fixture");
    let schema = schema(&fixture, Published::Values);
    let (_, mut model) = models(&fixture).remove(0);
    if let Estimator::Linear { outputs, .. } = &mut model.estimator {
        outputs[0].intercept = 1e6;
    }
    outputs_of(&mut model).fill(0.0);
    let made = quantise(&model, &schema, &Options::default()).expect("integers");
    assert_eq!(made.model.scores(&[made.model.bounds[0].0]), [1e6]);
    outputs_of(&mut model).fill(1e300);
    let error = quantise(&model, &schema, &Options { resolution: Resolution::FractionBits(8), ..fine() });
    assert!(error.expect_err("too large").to_string().contains("fewer fraction bits"));
}

fn outputs_of(model: &mut Model) -> &mut [f64] {
    match &mut model.estimator {
        Estimator::Linear { outputs, .. } => &mut outputs[0].weights,
        other => panic!("{other:?} is not linear"),
    }
}
