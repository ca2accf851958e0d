//! Networks of one hidden layer for sale: published, asked and paid over HTTP, exact, and refused with what to
//! change where they cannot be.

use std::path::Path;

use sordino_client::{
    auditions,
    models::{
        predict,
        publish::{self, Output, Request},
    },
};
use sordino_model::quantised;
use sordino_protocol::{
    api::models::{ModelKind, PredictionQuota, Serving},
    money::Amount,
    parameters::ParameterSet,
    predict::{InputEncoding, Packing},
    problem::ProblemCode,
};
use sordino_tests::{
    app::{TestApp, block_on},
    models::{Fitted, Numbers, fitted},
    parties::traders,
};

/// Cents of one sample.
const PRICE: i64 = 3;

fn request(fitted: &Fitted, encoding: InputEncoding) -> Request {
    Request {
        file: fitted.model.clone(),
        schema: fitted.schema.clone(),
        title: "A network of a test".to_owned(),
        description: String::new(),
        encoding,
        serving: Serving::Both,
        price: Amount::minor(PRICE),
        quota: PredictionQuota { samples_per_request: 2_000, samples_per_day: 5_000 },
        score_bits: None,
        output: Output::Scores,
    }
}

#[test]
fn a_network_is_sold_and_predicts_exactly() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (vendor, client) = traders(&app.running, home, app.url(), 10_000).await;
        let mut registered = 0;
        for (name, encoding) in
            [("network_german_credit", InputEncoding::Tests), ("network_three_classes", InputEncoding::Edges)]
        {
            let fitted = fitted(home, name, Numbers::Buckets);
            let request = request(&fitted, encoding);
            let prepared = publish::prepare(&request).expect("a network");
            let rounding = prepared.report.rounding.as_ref().expect("stated");
            assert!(rounding.iter().all(|error| *error > 0.0));
            let listing = publish::publish(&vendor.session, &request, &prepared).await.expect("offered");
            assert_eq!((listing.kind, listing.forms.len()), (ModelKind::Network, 2));
            for form in &listing.forms {
                assert_eq!(form.form.parameter_set, ParameterSet::Network16kV1);
                assert!(form.reveals.contains("sums are looked up in a table"), "{}", form.reveals);
            }
            let plan = predict::plan(listing, &fitted.rows).expect("the rows fit");
            let Packing::Network { groups, .. } = plan.form.form.packing else { panic!("a network") };
            assert_eq!(groups, 256, "twenty rows take the fewest bytes if each has many slots");
            let (table, rows) = (plan.table.clone(), plan.table.rows);
            let before = client.session.client.balance().await.expect("a balance").prepaid;
            let outcome = predict::run(&client.session, &client.keys, plan).await.expect("predicted");
            println!("{name}: {} bytes sent, {} of keys", outcome.sent_bytes, outcome.key_bytes);
            for (index, row) in outcome.rows.iter().enumerate() {
                let expected = quantised::evaluate(&prepared.model, &table, index).expect("the row fits");
                assert_eq!(row.scores, expected.scores, "{name}, row {index}");
                let class = expected.class.map(|class| prepared.model.classes[class].clone());
                assert_eq!(row.predicted.class, class, "{name}, row {index}");
            }
            let after = client.session.client.balance().await.expect("a balance").prepaid;
            assert_eq!(before.as_minor() - after.as_minor(), rows as i64 * PRICE);
            registered += u64::from(outcome.key_bytes > 0);
        }
        assert_eq!(registered, 1, "keys are registered once for all networks");
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
    });
}

#[test]
fn a_check_tells_what_coarse_sums_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let fitted = fitted(folder.path(), "network_german_credit", Numbers::Buckets);
    let model = auditions::read(&std::fs::read(&fitted.model).expect("a model"), None).expect("a model");
    let found = auditions::check(&model, &fitted.schema, &[]);
    assert!(found.advice.iter().any(|advice| advice.contains("rounded to 256 levels")), "{:?}", found.advice);
}

#[test]
fn a_network_that_cannot_be_served_is_refused_with_what_to_change() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (vendor, _) = traders(&app.running, home, app.url(), 100).await;
        let prepare = |name: &str, numbers| {
            publish::prepare(&request(&fitted(home, name, numbers), InputEncoding::Tests))
        };
        let refused = prepare("mlp", Numbers::Buckets).expect_err("two hidden layers");
        assert!(refused.to_string().contains("fit another network"), "{refused}");
        let refused = prepare("network_breast_cancer", Numbers::Measures).expect_err("no buckets");
        assert!(refused.to_string().contains("publish buckets"), "{refused}");

        // Integers that were made in another way are refused by the platform.
        let fitted = fitted(home, "network_breast_cancer", Numbers::Buckets);
        let request = request(&fitted, InputEncoding::Tests);
        let mut prepared = publish::prepare(&request).expect("a network");
        prepared.model = fine(&fitted.model, &fitted);
        let refused = publish::publish(&vendor.session, &request, &prepared).await.expect_err("fine sums");
        let problem = refused.problem().expect("a problem");
        assert_eq!(problem.code, ProblemCode::ModelUnsupported, "{refused}");
        assert!(problem.detail.contains("256"), "{}", problem.detail);
    });
}

/// With tables as wide as auditions have them.
fn fine(file: &Path, fitted: &Fitted) -> quantised::Quantised {
    use sordino_model::{import, limits::Limits, quantise};
    let bytes = std::fs::read(file).expect("a model");
    let model = import::any(&bytes, None, &Limits::default()).expect("a model");
    quantise::quantise(&model, &fitted.schema, &quantise::Options::default()).expect("integers").model
}
