//! How coarse the integers of a model are that is offered without a word about it.

use std::path::Path;

use sordino_client::models::publish::{self, Output, Request};
use sordino_model::quantised::{Quantised, evaluate};
use sordino_protocol::{
    api::models::{PredictionQuota, Serving},
    money::Amount,
    predict::InputEncoding,
};
use sordino_tests::{
    models::{Fitted, Numbers, fitted},
    tables,
};

/// The integers of a model with so many bits of a score.
fn integers(fitted: &Fitted, score_bits: Option<u32>) -> Quantised {
    let request = Request {
        file: fitted.model.clone(),
        schema: fitted.schema.clone(),
        title: String::new(),
        description: String::new(),
        encoding: InputEncoding::Tests,
        serving: Serving::Both,
        price: Amount::minor(1),
        quota: PredictionQuota::default(),
        score_bits,
        output: Output::Scores,
    };
    publish::prepare(&request).expect("a model").model
}

/// Of the 20 rows of a fixture, those of the class that the finest integers predict.
fn equal(folder: &Path, name: &str, numbers: Numbers, score_bits: Option<u32>) -> usize {
    let fitted = fitted(folder, name, numbers);
    let (model, finest) = (integers(&fitted, score_bits), integers(&fitted, Some(44)));
    let rows = tables::coded(&fitted.schema, &fitted.rows);
    let class = |model, row| evaluate(model, &rows, row).expect("the row fits").class;
    (0..rows.rows).filter(|row| class(&model, *row) == class(&finest, *row)).count()
}

#[test]
fn scores_have_as_many_bits_as_the_weights_of_long_measures_need() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    assert_eq!(equal(folder, "logistic_breast_cancer", Numbers::Measures, None), 20);
    assert!(equal(folder, "logistic_breast_cancer", Numbers::Measures, Some(16)) < 20, "16 bits are too few");
    assert_eq!(equal(folder, "tree_german_credit", Numbers::Buckets, None), 20);
    // Codes need no more: the fewest bits do.
    let tree = fitted(folder, "tree_german_credit", Numbers::Buckets);
    assert_eq!(integers(&tree, None), integers(&tree, Some(16)));
}
