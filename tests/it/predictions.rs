//! A vendor's model, a client's encrypted rows: the whole way, over HTTP.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use sordino_client::{
    ClientError,
    api::idempotency_key,
    models::{
        predict::{self, Outcome, Plan},
        publish::{self, Output, Prepared, Request},
    },
};
use sordino_fhe::predict::{decrypt, encrypt};
use sordino_model::{
    model::Link,
    quantised::{self, Format, Quantised, Reading, Score, Shape, Term},
};
use sordino_protocol::{
    api::models::{ModelListing, Predict, PredictionQuota, PublishModel, Serving},
    money::{Amount, Currency},
    predict::{InputEncoding, Packing},
    problem::ProblemCode,
    schema::{Column, ColumnId, Measure, Schema},
};
use sordino_tests::{
    app::{TestApp, block_on},
    models::{Fitted, Numbers, fitted},
    parties::{Party, make_operator, top_up, traders},
    proxy::Proxy,
};

use crate::canary;

/// Cents of one sample.
const PRICE: i64 = 2;

fn request(fitted: &Fitted, encoding: InputEncoding, serving: Serving) -> Request {
    Request {
        file: fitted.model.clone(),
        schema: fitted.schema.clone(),
        title: "A model of a test".to_owned(),
        description: String::new(),
        encoding,
        serving,
        price: Amount::minor(PRICE),
        quota: PredictionQuota { samples_per_request: 20, samples_per_day: 45 },
        score_bits: Some(16),
        output: Output::Scores,
    }
}

async fn offer(vendor: &Party, request: &Request) -> (Prepared, ModelListing<Reading>) {
    let prepared = publish::prepare(request).expect("a model");
    let listing = publish::publish(&vendor.session, request, &prepared).await.expect("offered");
    (prepared, listing)
}

async fn run(client: &Party, plan: Plan) -> Result<Outcome, ClientError> {
    predict::run(&client.session, &client.keys, plan).await
}

async fn prepaid(party: &Party) -> i64 {
    party.session.client.balance().await.expect("a balance").prepaid.as_minor()
}

/// Every score and class is that of the model in clear.
fn assert_equal(model: &Quantised, plan: &Plan, outcome: &Outcome) {
    assert_eq!(outcome.rows.len(), plan.table.rows);
    for (index, row) in outcome.rows.iter().enumerate() {
        let expected = quantised::evaluate(model, &plan.table, index).expect("the row fits");
        assert_eq!(row.scores, expected.scores, "row {index}");
        let class = expected.class.map(|class| model.classes[class].clone());
        assert_eq!(row.predicted.class, class, "row {index}");
    }
}

#[test]
fn predictions_equal_the_model_in_clear_and_the_money_adds_up() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (vendor, client) = traders(&app.running, home, app.url(), 10_000).await;
        let cases = [
            ("logistic_breast_cancer", Numbers::Measures, InputEncoding::Edges, Serving::Both),
            ("tree_german_credit", Numbers::Buckets, InputEncoding::Edges, Serving::Batch),
            ("tree_german_credit", Numbers::Buckets, InputEncoding::Tests, Serving::Batch),
        ];
        for (name, numbers, encoding, serving) in cases {
            let fitted = fitted(home, name, numbers);
            let (prepared, listing) = offer(&vendor, &request(&fitted, encoding, serving)).await;
            let plan = predict::plan(listing, &fitted.rows).expect("the rows fit");
            assert_eq!((plan.table.rows, plan.price), (20, Amount::minor(20 * PRICE)));
            let (shown, before) = (plan.clone(), prepaid(&client).await);
            let outcome = run(&client, plan).await.expect("predicted");
            assert_equal(&prepared.model, &shown, &outcome);
            assert_eq!(before - prepaid(&client).await, 20 * PRICE);
            assert_eq!((outcome.predictions.len(), outcome.sent_bytes), (1, shown.bytes));
            let receipt = &outcome.predictions[0];
            let kept = vendor.session.client.prediction(receipt.id).await.expect("the vendor's too");
            assert_eq!(&kept, receipt);
        }
        // Ten per cent of three times 40 cents are the platform's.
        let earned = vendor.session.client.balance().await.expect("a balance").payable;
        assert_eq!(earned, Amount::minor(3 * 18 * PRICE));
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
    });
}

#[test]
fn a_class_is_sold_without_its_score() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (vendor, client) = traders(&app.running, home, app.url(), 1_000).await;
        let fitted = fitted(home, "logistic_german_credit", Numbers::Buckets);
        let asked = Request {
            output: Output::Classes,
            score_bits: None,
            ..request(&fitted, InputEncoding::Tests, Serving::Both)
        };
        let (prepared, listing) = offer(&vendor, &asked).await;
        let plan = predict::plan(listing, &fitted.rows).expect("the rows fit");
        let outcome = run(&client, plan.clone()).await.expect("predicted");
        assert_equal(&prepared.model, &plan, &outcome);
        let classes: BTreeSet<&Option<String>> =
            outcome.rows.iter().map(|row| &row.predicted.class).collect();
        assert_eq!(classes.len(), 2, "both classes occur: {classes:?}");
        for row in &outcome.rows {
            assert!(row.scores == [0] || row.scores == [1], "{row:?}");
            assert_eq!(row.predicted.probabilities, None);
        }
    });
}

#[test]
fn a_single_row_takes_few_bytes_and_keys_are_registered_once() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (vendor, client) = traders(&app.running, home, app.url(), 10_000).await;
        for (name, numbers) in
            [("logistic_breast_cancer", Numbers::Measures), ("tree_german_credit", Numbers::Buckets)]
        {
            let fitted = fitted(home, name, numbers);
            let row = first_row(&fitted.rows);
            let (prepared, listing) =
                offer(&vendor, &request(&fitted, InputEncoding::Edges, Serving::Both)).await;
            let plan = predict::plan(listing.clone(), &row).expect("the row fits");
            assert!(
                !matches!(plan.form.form.packing, Packing::Batch { .. }),
                "one row takes few ciphertexts"
            );
            let shown = plan.clone();
            let first = run(&client, plan.clone()).await.expect("predicted");
            assert_equal(&prepared.model, &shown, &first);
            let again = run(&client, plan).await.expect("predicted");
            assert_equal(&prepared.model, &shown, &again);
            assert_eq!(again.key_bytes, 0, "{name}");
            assert!(first.key_bytes == shown.form.key_bytes, "{name}: {}", first.key_bytes);
            client_forgets(&client, &shown);
        }
    });
}

/// Both models may be served in one parameter set: the keys of the second are made new.
fn client_forgets(client: &Party, plan: &Plan) {
    let set = plan.form.form.parameter_set;
    let file = client.session.profile.directory().join(format!("predict/{set}.toml"));
    std::fs::remove_file(file).expect("it was kept");
}

fn first_row(table: &Path) -> std::path::PathBuf {
    let text = std::fs::read_to_string(table).expect("a table");
    let lines: Vec<&str> = text.lines().take(2).collect();
    let path = table.with_extension("one.csv");
    std::fs::write(&path, lines.join("\n") + "\n").expect("written");
    path
}

#[test]
fn what_is_beyond_the_quota_is_refused_and_costs_nothing() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (vendor, client) = traders(&app.running, home, app.url(), 10_000).await;
        let fitted = fitted(home, "logistic_breast_cancer", Numbers::Measures);
        let (_, listing) = offer(&vendor, &request(&fitted, InputEncoding::Edges, Serving::Batch)).await;
        let plan = predict::plan(listing.clone(), &fitted.rows).expect("the rows fit");
        for _ in 0..2 {
            run(&client, plan.clone()).await.expect("within 45 a day");
        }
        let before = prepaid(&client).await;
        let refused = run(&client, plan.clone()).await.expect_err("the quota is used up");
        let problem = refused.problem().expect("a problem");
        assert_eq!((problem.code, problem.status), (ProblemCode::QuotaExceeded, 429));
        assert!(problem.detail.contains("40 of the 45") && problem.detail.contains("seconds"), "{refused}");
        assert_eq!(prepaid(&client).await, before);

        // Who cannot pay gets nothing.
        let poor = Party::join(home, app.url(), "poor").await;
        let refused = run(&poor, plan.clone()).await.expect_err("no money");
        assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::InsufficientBalance), "{refused}");
        // A price that has changed in between is not paid.
        let mut dear = plan;
        dear.listing.price = Amount::minor(PRICE - 1);
        let refused = run(&poor, dear).await.expect_err("another price");
        assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::Conflict), "{refused}");
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
    });
}

#[test]
fn a_batch_is_paid_once_and_rows_that_are_not_paid_for_stay_closed() {
    paid_once(Serving::Batch);
}

#[test]
fn few_rows_are_paid_once_and_those_that_are_not_paid_for_stay_closed() {
    paid_once(Serving::Single);
}

fn paid_once(serving: Serving) {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (vendor, client) = traders(&app.running, home, app.url(), 1_000).await;
        let fitted = fitted(home, "logistic_breast_cancer", Numbers::Measures);
        let (prepared, listing) = offer(&vendor, &request(&fitted, InputEncoding::Edges, serving)).await;
        let plan = predict::plan(listing, &fitted.rows).expect("the rows fit");
        run(&client, plan.clone()).await.expect("predicted");
        let before = prepaid(&client).await;

        // All rows are in the inputs, but only three are stated and paid.
        let form = &plan.form.form;
        let keys = predict::secret(&client.keys, form.parameter_set).expect("keys");
        let encrypted = |rows| encrypt(&keys, form, &plan.table, rows, &mut rand::rng()).expect("encrypted");
        let inputs = bytes::Bytes::from(encrypted(0..20));
        let registered = client.session.profile.registered(form.parameter_set).expect("readable");
        let price = Amount::minor(3 * PRICE);
        let (model, digest) = (plan.listing.id, plan.form.digest);
        let keys_digest = registered.expect("registered").keys;
        let ask = Predict { model, form: digest, keys: keys_digest, samples: 3, price };
        let (http, key) = (&client.session.client, idempotency_key());
        let first = http.predict(&ask, inputs.clone(), &key).await.expect("predicted");
        for _ in 0..2 {
            assert_eq!(http.predict(&ask, inputs.clone(), &key).await.expect("the same"), first);
        }
        assert_eq!(before - prepaid(&client).await, 3 * PRICE);
        let other = http.predict(&ask, encrypted(0..3).into(), &key).await.expect_err("another request");
        assert_eq!(other.problem().map(|p| p.code), Some(ProblemCode::IdempotencyMismatch), "{other}");

        let outputs = http.prediction_output(first.id, 1 << 30).await.expect("the scores");
        let scores = decrypt(&keys, form, 0..20, &outputs).expect("decrypted");
        for (row, found) in scores.iter().enumerate() {
            let expected = quantised::evaluate(&prepared.model, &plan.table, row).expect("fits").scores;
            assert_eq!(*found == expected, row < 3, "row {row}");
        }
        // Keys and scores are the client's own.
        let stranger = Party::join(home, app.url(), "stranger").await;
        let refused = stranger.session.client.predict(&ask, inputs.clone(), &key).await.expect_err("not his");
        assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::NotFound), "{refused}");
        assert!(vendor.session.client.prediction_output(first.id, 1 << 30).await.is_err());

        // Inputs that are no ciphertext cost nothing.
        let before = prepaid(&client).await;
        let rubbish = vec![0xab; inputs.len()];
        let refused = http.predict(&ask, rubbish.into(), &idempotency_key()).await.expect_err("rubbish");
        assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::BadCiphertext), "{refused}");
        assert_eq!(prepaid(&client).await, before);
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
    });
}

#[test]
fn a_run_that_was_cut_off_goes_on_and_pays_nothing_twice() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        // Enough for one request of twenty rows, and not for the second.
        let (vendor, client) = traders(&app.running, home, app.url(), 20 * PRICE + 1).await;
        let fitted = fitted(home, "logistic_breast_cancer", Numbers::Measures);
        let asked = request(&fitted, InputEncoding::Edges, Serving::Both);
        let (prepared, listing) = offer(&vendor, &asked).await;
        let rows = home.join("forty.csv");
        let text = std::fs::read_to_string(&fitted.rows).expect("rows");
        let (header, twenty) = text.split_once('\n').expect("a header");
        std::fs::write(&rows, format!("{header}\n{twenty}{twenty}")).expect("written");
        let plan = predict::plan(listing, &rows).expect("the rows fit");
        assert_eq!(plan.requests.len(), 2);

        let cut = run(&client, plan.clone()).await.expect_err("the money ends");
        assert_eq!(cut.problem().map(|p| p.code), Some(ProblemCode::InsufficientBalance), "{cut}");
        assert_eq!(prepaid(&client).await, 1);
        let operator = Party::join(home, app.url(), "cashier").await;
        make_operator(&app.running, &operator).await;
        top_up(&operator, &client, 20 * PRICE).await;
        let outcome = run(&client, plan.clone()).await.expect("it goes on");
        assert!(outcome.continued);
        assert_equal(&prepared.model, &plan, &outcome);
        assert_eq!(prepaid(&client).await, 1, "the first request was not charged again");

        // What has ended is not gone on with: the same rows are another run, encrypted anew.
        top_up(&operator, &client, 40 * PRICE).await;
        let refused = run(&client, plan).await.expect_err("the quota of the day");
        assert_eq!(refused.problem().map(|p| p.code), Some(ProblemCode::QuotaExceeded), "{refused}");
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
    });
}

/// A value of one row, and the score that the model below gives it.
const CANARY: u64 = 7_654_321;
const ANSWER: u64 = 7_654_326;
const SECRETS: [(&str, u64); 2] = [("the canary", CANARY), ("the score", ANSWER)];

#[test]
fn no_value_of_a_row_and_no_score_crosses_the_wire() {
    block_on(async {
        let app = TestApp::start().await;
        let proxy = Proxy::start(app.url()).await;
        let home = app.folder.path().join("parties");
        let vendor = Party::join(&home, app.url(), "vendor").await;
        let operator = Party::join(&home, app.url(), "operator").await;
        let client = Party::join(&home, &proxy.url(), "client").await;
        make_operator(&app.running, &operator).await;
        top_up(&operator, &client, 1_000).await;
        let listing = vendor.session.client.publish_model(&incomes()).await.expect("offered");
        let csv = home.join("incomes.csv");
        std::fs::write(&csv, format!("income\n12\n{CANARY}\n300\n")).expect("written");
        let plan = predict::plan(listing, &csv).expect("the rows fit");
        let outcome = run(&client, plan).await.expect("predicted");
        assert_eq!(outcome.rows[1].predicted.value, Some(ANSWER as f64));

        let crossed = proxy.crossed();
        let sent: usize = crossed.iter().map(Vec::len).sum();
        assert!(sent > 100_000, "the proxy kept what crossed: {sent} bytes");
        for (stream, bytes) in crossed.iter().enumerate() {
            canary::assert_silent(bytes, &format!("stream {stream}"), &SECRETS);
        }
        assert!(canary::search(app.running.data_dir(), &SECRETS) > 100_000);
    });
}

/// A model that adds 5 to a measure.
fn incomes() -> PublishModel<Quantised> {
    let column = Column {
        name: "income".to_owned(),
        description: String::new(),
        nullable: false,
        dimension: None,
        measure: Some(Measure { scale: 0, min: 0, max: 8_000_000 }),
    };
    let term = Term::Measure { column: ColumnId(0), weight: 1, square: 0, null: 0 };
    PublishModel {
        title: "Income and five".to_owned(),
        description: String::new(),
        schema: Schema { table: "incomes".to_owned(), null_values: vec![], columns: vec![column] },
        encoding: InputEncoding::Edges,
        serving: Serving::Batch,
        price: Amount::minor(PRICE),
        currency: Currency::EUR,
        quota: PredictionQuota::default(),
        model: Quantised {
            format: Format::V1,
            shape: Shape::Scores(vec![Score { intercept: 5, terms: vec![term] }]),
            link: Link::Identity,
            classes: vec![],
            fraction_bits: 0,
            bounds: vec![(5, 8_000_005)],
        },
    }
}

/// The keys of a profile stay the same as long as its bundle does.
#[test]
fn keys_for_predictions_follow_from_the_bundle() {
    block_on(async {
        let app = TestApp::start().await;
        let party = Party::join(app.folder.path(), app.url(), "party").await;
        let set = sordino_protocol::parameters::ParameterSet::Predict4kV2;
        let keys = |party: &Party| predict::secret(&Arc::clone(&party.keys), set).expect("keys").to_bytes();
        assert_eq!(*keys(&party), *keys(&party));
        let other = Party::join(app.folder.path(), app.url(), "other").await;
        assert_ne!(*keys(&party), *keys(&other));
    });
}
