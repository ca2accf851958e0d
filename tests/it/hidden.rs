//! Models that the gate does not see: what it is shown, what it insists on, and what platform and buyer
//! together could still do.

use std::time::Duration;

use sordino_client::{
    ClientError,
    auditions::{self, AuditionError, Prepared, Request},
    buyer,
    publish::Request as Publication,
};
use sordino_model::{audition::Metrics, quantised};
use sordino_protocol::{
    api::{JobState, Listing},
    policy::{Disclosure, Epsilon, Noise, Policy, PolicyError},
    problem::ProblemCode,
    release::ReleaseRequest,
};
use sordino_tests::{
    app::{TestApp, block_on},
    parties::{Party, traders},
    tables,
};

/// A tree whose thresholds and categories would be found wherever they are sent.
fn tree() -> Vec<u8> {
    let fixture: serde_json::Value =
        serde_json::from_str(include_str!("../../sdk/model/tests/fixtures/tree_german_credit.json"))
            .expect("a fixture");
    serde_json::to_vec(&fixture["export"]).expect("JSON")
}

fn prepare(listing: &Listing) -> Prepared {
    prepare_as(listing, &tree(), "creditability").expect("an audition")
}

fn prepare_as(listing: &Listing, model: &[u8], label: &str) -> Result<Prepared, AuditionError> {
    let model = auditions::read(model, None).expect("a model");
    let request = Request { label, by: None, is_hidden: true };
    auditions::prepare(model, listing.clone(), request)
}

/// What the gate is sent, without anything being decided.
async fn next_release(owner: &Party, listing: &Listing) -> ReleaseRequest {
    let client = owner.gate_client();
    loop {
        let found = client.releases(listing.gate, Duration::from_secs(5)).await.expect("answered").releases;
        if let Some(request) = found.into_iter().next() {
            return request;
        }
    }
}

fn noisy() -> Policy {
    Policy {
        min_cohort: 5,
        noise: Noise::DiscreteGaussian {
            epsilon_per_query: Epsilon::millionths(2_000_000),
            delta_exponent: 6,
        },
        epsilon_budget: Some(Epsilon::millionths(4_000_000)),
        models: Disclosure::Hidden,
        ..Policy::default()
    }
}

#[test]
fn a_hidden_model_is_released_with_noise_and_the_gate_sees_none_of_its_conditions() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 100_000).await;
        let csv = tables::german_credit();
        let schema = tables::inferred(&csv);
        let listing = owner.publish(&csv, schema, noisy()).await.expect("published").listing;
        let prepared = prepare(&listing);
        let offer = auditions::quote(&buyer.session, &prepared, None).await.expect("a quote");
        assert!(offer.offer.quote.body.hidden && offer.offer.quote.body.noise_millis[0] > 0);
        let job = buyer::buy(&buyer.session, &buyer.keys, &offer).await.expect("paid");

        // What the gate is sent, before it runs: the shape, and no condition of a class.
        let request = next_release(&owner, &listing).await;
        assert!(request.query.is_veiled(), "{:?}", request.query);
        let hidden = request.hidden.as_ref().expect("hidden");
        assert_eq!(hidden.query, offer.query);
        let read: Vec<_> = prepared.preflight.inputs.iter().map(|input| input.column).collect();
        assert!(!hidden.inputs.is_empty() && hidden.inputs.iter().all(|input| read.contains(input)));

        let gate = owner.run_gate().await;
        let job = buyer::wait(&buyer.session, job.id, |_| {}).await.expect("it ends");
        assert_eq!(job.state, JobState::Released, "{:?}", job.problem);
        let opened = buyer::open(&buyer.session, &buyer.keys, &job, Some(&offer)).await.expect("opened");
        assert!(opened.report.quote_checked && !opened.report.reevaluated, "nobody could compute it again");
        assert!(opened.answer.noise.iter().all(|deviation| *deviation > 0.0));
        let metrics = auditions::metrics(&prepared, &opened).expect("metrics");
        let Metrics::Classification(found) = metrics else { panic!("a classifier") };
        let rows: i64 = found.all.confusion.iter().flatten().sum();
        assert!((rows - 1_000).abs() < 200, "within noise of 1,000 rows: {rows}");
        gate.abort();
    });
}

/// Its classes are told apart by a threshold of a score of thirty columns.
#[test]
fn a_hidden_logistic_regression_is_released_and_the_gate_sees_no_score() {
    block_on(async {
        let app = TestApp::start().await;
        let (owner, buyer) = traders(&app.running, app.folder.path(), app.url(), 1_000_000).await;
        let csv = tables::breast_cancer();
        let (model, schema) = tables::fitted("breast_cancer", "logistic_regression");
        let rows = tables::coded(&schema, &csv);
        let change = |request: &mut Publication| {
            request.models = true;
            request.policy = noisy();
        };
        let listing = owner.publish_as(&csv, schema.clone(), change).await.expect("published").listing;
        let prepared = prepare_as(&listing, &model, "diagnosis").expect("an audition");
        let offer = auditions::quote(&buyer.session, &prepared, None).await.expect("a quote");
        let job = buyer::buy(&buyer.session, &buyer.keys, &offer).await.expect("paid");
        let request = next_release(&owner, &listing).await;
        assert!(request.query.is_veiled(), "{:?}", request.query);
        assert_eq!(request.query.group_count(&schema), 4, "two classes by two labels");
        let read: Vec<_> = prepared.preflight.inputs.iter().map(|input| input.column).collect();
        assert_eq!(request.hidden.expect("hidden").inputs, read);

        let gate = owner.run_gate().await;
        let job = buyer::wait(&buyer.session, job.id, |_| {}).await.expect("it ends");
        assert_eq!(job.state, JobState::Released, "{:?}", job.problem);
        let opened = buyer::open(&buyer.session, &buyer.keys, &job, Some(&offer)).await.expect("opened");
        let Metrics::Classification(found) = auditions::metrics(&prepared, &opened).expect("metrics") else {
            panic!("a classifier")
        };
        let noise = opened.answer.noise[0];
        assert!(noise > 0.0 && noise < 20.0, "{noise}");
        let mut exact = vec![vec![0i64; 2]; 2];
        for row in 0..rows.rows {
            let class =
                quantised::evaluate(&prepared.chosen.outcome.model, &rows, row).expect("a prediction");
            let actual = schema.column(prepared.label).label(rows.codes(prepared.label)[row]);
            let actual = prepared.model.classes.iter().position(|class| Some(class) == actual.as_ref());
            exact[actual.expect("a label")][class.class.expect("a class")] += 1;
        }
        assert!(exact[0][0] + exact[1][1] > 500, "it is a good model: {exact:?}");
        for (actual, predicted) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            // What is withheld is not counted.
            let (found, exact) = (found.all.confusion[actual][predicted], exact[actual][predicted]);
            let most = (8.0 * noise) as i64;
            assert!((found - exact).abs() < most, "{found} is not {exact} within {most}");
        }
        gate.abort();

        // A sum of squared errors has a sensitivity that the gate could not check.
        let (ridge, _) = tables::fitted("breast_cancer", "ridge");
        let refused = prepare_as(&listing, &ridge, "mean_radius").expect_err("a number");
        assert!(refused.to_string().contains("only counts of rows by predicted class"), "{refused}");
    });
}

/// Whoever the platform works with: the owner's word on disclosure and noise is kept by the gate, and
/// told to buyers before they pay.
#[test]
fn attack_model_hidden_from_an_owner_who_wants_to_see_it_is_refused() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 100_000).await;
        let csv = tables::german_credit();
        let schema = tables::inferred(&csv);
        let exact = Policy { noise: Noise::None, epsilon_budget: None, ..noisy() };
        let refused = owner.publish(&csv, schema.clone(), exact).await.expect_err("no noise");
        assert!(matches!(refused, ClientError::Policy(PolicyError::Hidden)), "{refused}");

        let seen = Policy { models: Disclosure::Disclosed, ..noisy() };
        let listing = owner.publish(&csv, schema, seen).await.expect("published").listing;
        let refused = auditions::quote(&buyer.session, &prepare(&listing), None).await;
        let refused = refused.expect_err("disclosed only");
        let code = refused.problem().map(|problem| problem.code);
        assert_eq!(code, Some(ProblemCode::PolicyRefused), "{refused}");
    });
}
