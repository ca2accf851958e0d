//! Models that the gate does not see: what it is shown, what it insists on, and what platform and buyer
//! together could still do.

use sordino_client::{
    ClientError,
    auditions::{self, Prepared, Request},
    buyer,
};
use sordino_protocol::{
    api::{JobState, Listing},
    policy::{Disclosure, Epsilon, Noise, Policy, PolicyError},
    problem::ProblemCode,
};
use sordino_tests::{
    app::{TestApp, block_on},
    parties::traders,
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
    let model = auditions::read(&tree(), None).expect("a model");
    let request = Request { label: "creditability", by: None };
    auditions::prepare(model, listing.clone(), request).expect("an audition")
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
        let offer = auditions::quote_hidden(&buyer.session, &prepared, None).await.expect("a quote");
        assert!(offer.offer.quote.body.hidden && offer.offer.quote.body.noise_millis[0] > 0);
        let job = buyer::buy(&buyer.session, &buyer.keys, &offer).await.expect("paid");

        // What the gate is sent, before it runs: the shape, and no condition of a class.
        let gate_client = owner.gate_client();
        let request = loop {
            let wait = std::time::Duration::from_secs(5);
            let found = gate_client.releases(listing.gate, wait).await.expect("answered").releases;
            if let Some(request) = found.into_iter().next() {
                break request;
            }
        };
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
        let sordino_model::audition::Metrics::Classification(found) = metrics else { panic!("a classifier") };
        let rows: i64 = found.all.confusion.iter().flatten().sum();
        assert!((rows - 1_000).abs() < 200, "within noise of 1,000 rows: {rows}");
        gate.abort();
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
        let refused = auditions::quote_hidden(&buyer.session, &prepare(&listing), None).await;
        let refused = refused.expect_err("disclosed only");
        let code = refused.problem().map(|problem| problem.code);
        assert_eq!(code, Some(ProblemCode::PolicyRefused), "{refused}");
    });
}
