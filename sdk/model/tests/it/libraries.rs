//! Models fitted by scikit-learn, XGBoost and LightGBM on real tables: read from every format they are
//! written in, they predict what the library predicts.

use sordino_model::{
    float::{Outcome, evaluate},
    import,
    limits::Limits,
    model::Model,
};

use crate::fixture::{Expected, fixtures, models, row};

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
