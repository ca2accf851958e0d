//! Auditions over the real loop: a model is compiled, quoted, paid, evaluated on ciphertext, verified by
//! the gate, released and read; and models that are attacks.

use sordino_client::{
    auditions::{self, Prepared, Request},
    buyer::{self, CheckedOffer, Opened},
    publish::Request as Publication,
};
use sordino_model::{audition::Metrics, quantised};
use sordino_protocol::{
    api::{JobState, Listing},
    coded::CodedTable,
    layout::LayoutKind,
    policy::{Epsilon, Noise, Policy},
    schema::Schema,
};
use sordino_tests::{
    app::{TestApp, block_on},
    parties::{Party, traders},
    tables,
};

/// The tree of depth 4 that scikit-learn fitted on German Credit.
fn fitted_tree() -> Vec<u8> {
    export(include_str!("../../sdk/model/tests/fixtures/tree_german_credit.json"))
}

/// Points for two columns.
fn scorecard() -> Vec<u8> {
    export(include_str!("../../sdk/model/tests/fixtures/scorecard.json"))
}

fn export(fixture: &str) -> Vec<u8> {
    let fixture: serde_json::Value = serde_json::from_str(fixture).expect("a fixture");
    serde_json::to_vec(&fixture["export"]).expect("JSON")
}

/// The amount of a credit from its months, and from whether the debtor lives for rent.
fn line() -> Vec<u8> {
    r#"{"format": "sordino-model/1", "inputs": [{"name": "duration_in_month"}, {"name": "housing"}],
        "features": [{"input": 0, "encoding": "number"}, {"input": 1, "encoding": {"one_of": {"values": ["rent"]}}}],
        "estimator": {"linear": {"family": "regression", "link": "identity",
            "outputs": [{"intercept": 213.25, "weights": [146.3, -301.5]}]}}}"#
        .as_bytes()
        .to_vec()
}

fn prepare(model: &[u8], listing: &Listing, label: &str, by: Option<&str>) -> Prepared {
    let model = auditions::read(model, None).expect("a model");
    auditions::prepare(model, listing.clone(), Request { label, by, is_hidden: false }).expect("an audition")
}

async fn evaluate(
    buyer: &Party,
    prepared: &Prepared,
    layout: Option<LayoutKind>,
) -> (CheckedOffer, Opened, Metrics) {
    let offer = auditions::quote(&buyer.session, prepared, layout).await.expect("a quote");
    let job = buyer::buy(&buyer.session, &buyer.keys, &offer).await.expect("paid");
    let job = buyer::wait(&buyer.session, job.id, |_| {}).await.expect("it ends");
    assert_eq!(job.state, JobState::Released, "{:?}", job.problem);
    let opened = buyer::open(&buyer.session, &buyer.keys, &job, Some(&offer)).await.expect("opened");
    assert!(opened.report.quote_checked && opened.report.reevaluated, "as for any query");
    let metrics = auditions::metrics(prepared, &opened).expect("metrics");
    (offer, opened, metrics)
}

/// The confusion matrix of the model in integers on the rows in clear.
fn confusion(prepared: &Prepared, schema: &Schema, rows: &CodedTable) -> Vec<Vec<i64>> {
    let model = &prepared.chosen.outcome.model;
    let mut counts = vec![vec![0; model.classes.len()]; model.classes.len()];
    for row in 0..rows.rows {
        let predicted = quantised::evaluate(model, rows, row).expect("a prediction").class.expect("a class");
        let actual = schema.column(prepared.label).label(rows.codes(prepared.label)[row]).expect("a label");
        let actual = model.classes.iter().position(|class| *class == actual).expect("a class");
        counts[actual][predicted] += 1;
    }
    counts
}

#[test]
fn metrics_of_a_tree_a_scorecard_and_a_line_are_those_in_clear() {
    block_on(async {
        let app = TestApp::start().await;
        let (owner, buyer) = traders(&app.running, app.folder.path(), app.url(), 100_000).await;
        let csv = tables::german_credit();
        let schema = tables::inferred(&csv);
        let rows = tables::coded(&schema, &csv);
        let policy = Policy { min_cohort: 1, ..Policy::default() };
        let listing = owner.publish(&csv, schema.clone(), policy).await.expect("published").listing;
        let gate = owner.run_gate().await;

        let tree = prepare(&fitted_tree(), &listing, "creditability", None);
        let points = prepare(&scorecard(), &listing, "creditability", None);
        let grouped = prepare(&scorecard(), &listing, "creditability", Some("foreign_worker"));
        for (prepared, layout) in [
            (&tree, LayoutKind::Scan),
            (&points, LayoutKind::Scan),
            (&points, LayoutKind::Rollup),
            (&grouped, LayoutKind::Scan),
        ] {
            let (offer, _, metrics) = evaluate(&buyer, prepared, Some(layout)).await;
            assert_eq!(offer.offer.quote.body.layout, layout);
            let Metrics::Classification(found) = metrics else { panic!("a classifier") };
            let expected = confusion(prepared, &schema, &rows);
            assert_eq!(found.all.confusion, expected, "{layout:?}");
            let right: i64 = (0..expected.len()).map(|class| expected[class][class]).sum();
            let accuracy = found.all.metrics.as_ref().expect("nothing is unknown").accuracy;
            assert!((accuracy - right as f64 / rows.rows as f64).abs() < 1e-12);
            assert!(auditions::measured(&Metrics::Classification(found)).contains("accuracy"));
        }

        let line = prepare(&line(), &listing, "credit_amount", None);
        let model = &line.chosen.outcome.model;
        let squares: f64 = (0..rows.rows)
            .map(|row| {
                let scores = quantised::evaluate(model, &rows, row).expect("a prediction").scores;
                let actual = rows.values(line.label)[row].expect("a value") as f64;
                (model.scores(&scores)[0] - actual).powi(2)
            })
            .sum();
        let (_, _, metrics) = evaluate(&buyer, &line, None).await;
        let Metrics::Regression(found) = metrics else { panic!("a regression") };
        let mse = found.all.expect("rows").mse;
        assert!((mse - squares / 1_000.0).abs() < 1e-9 * mse, "{mse} is not {}", squares / 1_000.0);
        gate.abort();
    });
}

#[test]
fn scores_clusters_and_means_are_those_in_clear() {
    block_on(async {
        let app = TestApp::start().await;
        let (owner, buyer) = traders(&app.running, app.folder.path(), app.url(), 1_000_000).await;
        let csv = tables::breast_cancer();
        let (boosted, schema) = tables::fitted("breast_cancer", "gradient_boosting");
        let rows = tables::coded(&schema, &csv);
        let change = |request: &mut Publication| {
            request.models = true;
            request.policy = Policy { min_cohort: 1, ..Policy::default() };
        };
        let listing = owner.publish_as(&csv, schema.clone(), change).await.expect("published").listing;
        let gate = owner.run_gate().await;

        let boosted = prepare(&boosted, &listing, "diagnosis", None);
        assert_eq!(boosted.chosen.audition.query.scores.len(), 1, "by the levels of one score");
        let (offer, _, metrics) = evaluate(&buyer, &boosted, None).await;
        assert_eq!(offer.offer.quote.body.layout, LayoutKind::Scan);
        let Metrics::Classification(found) = metrics else { panic!("a classifier") };
        assert_eq!(found.all.confusion, confusion(&boosted, &schema, &rows));
        assert!(found.ranking.as_ref().and_then(|ranking| ranking.auc).is_some_and(|auc| auc.lower > 0.95));
        assert!(auditions::measured(&Metrics::Classification(found)).contains("AUC"));

        let clusters = prepare(&tables::fitted("breast_cancer", "k_means").0, &listing, "diagnosis", None);
        let (_, _, metrics) = evaluate(&buyer, &clusters, None).await;
        let Metrics::Clustering(found) = metrics else { panic!("clusters") };
        let mut expected = vec![vec![0i64; 2]; 3];
        for row in 0..rows.rows {
            let model = &clusters.chosen.outcome.model;
            let cluster = quantised::evaluate(model, &rows, row).expect("a prediction").class;
            expected[cluster.expect("a cluster")][rows.codes(clusters.label)[row] as usize] += 1;
        }
        assert_eq!(found.all.rows, expected);
        assert!(auditions::measured(&Metrics::Clustering(found)).contains("purity"));

        let means = prepare(&tables::fitted("breast_cancer", "poisson").0, &listing, "mean_radius", None);
        let (_, _, metrics) = evaluate(&buyer, &means, None).await;
        let Metrics::Regression(found) = metrics else { panic!("a regression") };
        let scale = 10f64.powi(-i32::from(schema.column(means.label).measure.as_ref().expect("one").scale));
        let model = &means.chosen.outcome.model;
        let squares: f64 = (0..rows.rows)
            .map(|row| {
                let scores = quantised::evaluate(model, &rows, row).expect("a prediction").scores;
                let actual = rows.values(means.label)[row].expect("a value") as f64 * scale;
                (model.scores(&scores)[0].exp() - actual).powi(2)
            })
            .sum();
        let all = found.all.expect("rows");
        assert!((all.mse - squares / rows.rows as f64).abs() < 1e-9 * all.mse, "{}", all.mse);
        assert!(all.deviance.is_some_and(|deviance| deviance.lower > 0.0));
        gate.abort();
    });
}

const PEOPLE: &str = r#"
table = "people"
[[column]]
name = "age"
dimension = { kind = "integer", min = 20, max = 29 }
[[column]]
name = "job"
dimension = { kind = "category", values = ["baker", "pilot", "smith"] }
[[column]]
name = "ill"
dimension = { kind = "boolean" }
"#;

/// 90 people, of whom one is a pilot of 29; he is ill.
fn people() -> String {
    let mut text = String::from("age,job,ill\n29,pilot,true\n");
    for row in 0..89 {
        let (age, job) = (20 + row % 10, ["baker", "smith"][row % 2]);
        text.push_str(&format!("{age},{job},{}\n", row % 3 == 0));
    }
    text
}

/// Predicts that whoever is older than `age`, and a pilot, is ill.
fn tree_that_isolates(age: f64) -> Vec<u8> {
    format!(
        r#"{{"format": "sordino-model/1", "inputs": [{{"name": "age"}}, {{"name": "job"}}],
            "features": [{{"input": 0, "encoding": "number"}},
                         {{"input": 1, "encoding": {{"one_of": {{"values": ["pilot"]}}}}}}],
            "classes": ["false", "true"],
            "estimator": {{"trees": {{"family": "single", "precision": "double", "combine": "sum", "base": [0, 0],
                "link": "probabilities", "trees": [{{"score": 0, "nodes": [
                    {{"split": {{"feature": 0, "test": {{"at_most": {age:?}}}, "left": 1, "right": 2}}}},
                    {{"leaf": [1, 0]}},
                    {{"split": {{"feature": 1, "test": {{"at_most": 0.5}}, "left": 3, "right": 4}}}},
                    {{"leaf": [1, 0]}},
                    {{"leaf": [0, 1]}}]}}]}}}}}}"#
    )
    .into_bytes()
}

async fn listed(owner: &Party, app: &TestApp, policy: Policy) -> Listing {
    let csv = app.folder.path().join("people.csv");
    std::fs::write(&csv, people()).expect("written");
    let schema: Schema = toml::from_str(PEOPLE).expect("a schema");
    owner.publish(&csv, schema, policy).await.expect("published").listing
}

#[test]
fn attack_model_that_isolates_one_person_has_every_cell_of_him_withheld() {
    block_on(async {
        let app = TestApp::start().await;
        let (owner, buyer) = traders(&app.running, app.folder.path(), app.url(), 100_000).await;
        let listing = listed(&owner, &app, Policy { min_cohort: 5, ..Policy::default() }).await;
        let gate = owner.run_gate().await;
        let attack = prepare(&tree_that_isolates(28.5), &listing, "ill", None);
        for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
            let (_, opened, metrics) = evaluate(&buyer, &attack, Some(layout)).await;
            for group in &opened.answer.groups {
                let is_him = group.key[0] == 1;
                assert_eq!(group.values.is_none(), is_him, "{layout:?}: {group:?}");
            }
            let Metrics::Classification(found) = metrics else { panic!("a classifier") };
            assert_eq!(found.all.cells_withheld, 2, "whether he is ill is in neither cell");
            assert!(found.all.metrics.is_none() && found.all.intervals.recall[1].is_some());
        }
        gate.abort();
    });
}

#[test]
fn attack_models_that_differ_in_one_person_differ_by_noise() {
    block_on(async {
        let app = TestApp::start().await;
        let (owner, buyer) = traders(&app.running, app.folder.path(), app.url(), 100_000).await;
        let noise =
            Noise::DiscreteGaussian { epsilon_per_query: Epsilon::millionths(500_000), delta_exponent: 6 };
        let budget = Some(Epsilon::millionths(1_000_000));
        let policy = Policy { min_cohort: 1, noise, epsilon_budget: budget, ..Policy::default() };
        let listing = listed(&owner, &app, policy).await;
        let gate = owner.run_gate().await;
        // The one predicts that he is ill, the other predicts it of nobody.
        let with = prepare(&tree_that_isolates(28.5), &listing, "ill", None);
        let without = prepare(&tree_that_isolates(27.5), &listing, "ill", None);
        let (_, first, metrics) = evaluate(&buyer, &with, None).await;
        let (_, again, _) = evaluate(&buyer, &with, None).await;
        assert_eq!(first.answer.groups, again.answer.groups, "asking again does not average the noise away");
        evaluate(&buyer, &without, None).await;
        let Metrics::Classification(found) = metrics else { panic!("a classifier") };
        assert!(found.noise > 5.0, "the deviation {} hides a difference of one", found.noise);
        assert!(found.all.standard_errors.expect("noise").accuracy.is_some());
        // Both took their share of the budget: there is no third model.
        let third = prepare(&tree_that_isolates(26.5), &listing, "ill", None);
        let offer = auditions::quote(&buyer.session, &third, None).await.expect("a quote");
        let job = buyer::buy(&buyer.session, &buyer.keys, &offer).await.expect("paid");
        let job = buyer::wait(&buyer.session, job.id, |_| {}).await.expect("it ends");
        assert_eq!(job.state, JobState::Refused, "{:?}", job.problem);
        gate.abort();
    });
}
