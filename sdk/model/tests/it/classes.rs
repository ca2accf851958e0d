//! Models that tell the class alone: they say what the model says, on encrypted rows too, and no number that
//! would say how far from the border a row is.

use sordino_model::{
    model::{Estimator, Link, Model},
    predict::{Serving, program},
    preflight::preflight,
    quantise::{Options, quantise},
    quantised::Quantised,
};
use sordino_protocol::{predict::InputEncoding, schema::Schema};

use crate::{
    fixture::{Fixture, fixtures, models},
    served::{clear, coded, serve},
    tables::{Published, schema},
};

/// Linear models, naive Bayes, clusters and single trees.
const TOLD: [&str; 9] = [
    "logistic_breast_cancer",
    "logistic_german_credit",
    "logistic_three_classes",
    "sgd_three_classes",
    "linear_svm",
    "gaussian_nb",
    "categorical_nb",
    "k_means",
    "tree_german_credit",
];

fn read(name: &str) -> (Fixture, Model, Schema) {
    let fixture = fixtures().remove(name).expect("the fixture");
    let (_, model) = models(&fixture).remove(0);
    let schema = schema(&fixture, Published::Values);
    (fixture, model, schema)
}

fn told(name: &str) -> (Fixture, Schema, Quantised) {
    let (fixture, model, schema) = read(name);
    let made = quantise(&model, &schema, &Options::of_classes()).expect("integers").model;
    (fixture, schema, made)
}

#[test]
fn classes_are_those_of_the_model() {
    for name in TOLD {
        let (fixture, model, schema) = read(name);
        let found = preflight(&model, &schema, &fixture.rows, &Options::of_classes());
        let rows = found.rows.unwrap_or_else(|| panic!("{name}: {:?}", found.advice));
        println!("{name}: {rows:?}, {:?}", found.report);
        assert_eq!(rows.rows, fixture.rows.len(), "{name}");
        assert!(rows.equal_classes.unwrap_or(1.0) >= 0.9, "{name}: {rows:?}");
    }
}

#[test]
fn nothing_but_an_order_is_told() {
    for name in TOLD {
        let (fixture, schema, model) = told(name);
        let table = coded(&fixture, &schema);
        let is_tree = name.starts_with("tree");
        for scores in clear(&model, &table, 0..table.rows) {
            let mut sorted = scores.clone();
            sorted.sort_unstable();
            match (model.link, is_tree) {
                (Link::Cutoff { at: 0 }, _) => assert!(sorted == [0] || sorted == [1], "{name}: {scores:?}"),
                (Link::Largest, true) => assert_eq!(sorted.iter().sum::<i64>(), 1, "{name}: {scores:?}"),
                (Link::Largest, false) => {
                    let places: Vec<i64> = (0..scores.len() as i64).collect();
                    assert_eq!(sorted, places, "{name}");
                }
                (other, _) => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn encrypted_classes_equal_those_in_clear() {
    let cases = [
        ("logistic_german_credit", InputEncoding::Tests, Serving::Single),
        ("logistic_three_classes", InputEncoding::Edges, Serving::Batch),
        ("tree_german_credit", InputEncoding::Tests, Serving::Batch),
    ];
    for (name, encoding, serving) in cases {
        let (fixture, schema, model) = told(name);
        let table = coded(&fixture, &schema);
        let program = program(&model, &schema, encoding, serving).expect("a program");
        let rows = table.rows.min(program.form.rows());
        assert_eq!(serve(&program, &table, 0..rows), clear(&model, &table, 0..rows), "{name}");
    }
}

#[test]
fn what_has_no_class_to_tell_is_refused_with_what_to_change() {
    for (name, part) in [
        ("linear_regression", "score bits"),
        ("random_forest", "a single one"),
        ("mlp", "hidden layer"),
        ("decision_tree_regressor", "a number"),
    ] {
        let (_, model, schema) = read(name);
        let refused = quantise(&model, &schema, &Options::of_classes()).expect_err(name).to_string();
        assert!(refused.contains(part) && refused.contains("let clients have scores"), "{name}: {refused}");
    }
    let (_, model, schema) = read("logistic_german_credit");
    assert!(matches!(model.estimator, Estimator::Linear { .. }));
    let mut measures = schema;
    for column in &mut measures.columns {
        let numbers = column.dimension.as_ref().is_some_and(|domain| domain.describe().contains("bucket"));
        if numbers {
            column.measure = Some(sordino_protocol::schema::Measure { scale: 0, min: 0, max: 100_000 });
            column.dimension = None;
        }
    }
    let refused = quantise(&model, &measures, &Options::of_classes());
    let refused = refused.expect_err("measures have too many levels").to_string();
    assert!(refused.contains("publish buckets"), "{refused}");
}
