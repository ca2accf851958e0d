//! Training over the real loop: every statistic is quoted, paid, evaluated on ciphertext, released by the
//! gate and opened; and the model is the one that the same statistics in clear give.

use std::path::Path;

use sordino_client::{
    ClientError,
    sandbox::{self, Options},
    table::Table,
    training::{self, Event, Finished, Folder, Run, RunQuote, TrainingError},
};
use sordino_model::train::{Source, Step, Task, Trained, Trainer};
use sordino_protocol::{
    api::{JobState, Listing},
    canonical::Canonical,
    coded::CodedTable,
    money::Amount,
    policy::{Epsilon, Noise, Policy},
    predicate::Predicate,
    receipt::FullReceipt,
    schema::Schema,
};
use sordino_tests::{
    app::{TestApp, block_on},
    parties::{Party, traders},
    tables,
};

fn task(schema: &Schema, method: &str, settings: &[&str], label: &str, inputs: &[&str]) -> Task {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    training::task(schema, method, &owned(settings), Some(label), Some(&owned(inputs))).expect("a task")
}

async fn offer(buyer: &Party, listing: &Listing, task: &Task) -> (Run, RunQuote) {
    training::offer(&buyer.session, listing, task, &Predicate::All).await.expect("an offer")
}

async fn run(buyer: &Party, run: &Run, folder: &Path, limit: Amount) -> Result<Finished, ClientError> {
    let folder = Folder::open(folder, run, buyer.session.account)?;
    training::run(&buyer.session, &buyer.keys, run, &folder, limit, &mut |_| {}).await
}

/// The same run with answers from the rows in clear.
fn in_clear(source: &Source, task: &Task, rows: &CodedTable, cohort: u32) -> Trained {
    let mut trainer = Trainer::new(source.clone(), task).expect("a task");
    loop {
        match trainer.next().expect("a step") {
            Step::Done(trained) => return *trained,
            Step::Ask(queries) => {
                let answers: Vec<_> = queries
                    .iter()
                    .map(|query| {
                        let digest = query.digest().expect("a digest");
                        tables::expected(&source.schema, query, digest, rows, cohort)
                    })
                    .collect();
                trainer.answer(&answers).expect("answers to the queries");
            }
        }
    }
}

async fn prepaid(buyer: &Party) -> i64 {
    let balance = buyer.session.client.balance().await.expect("a balance");
    assert_eq!(balance.held.as_minor(), 0, "nothing is left held");
    balance.prepaid.as_minor()
}

#[test]
fn models_are_those_of_the_rows_in_clear_and_a_run_that_is_repeated_costs_nothing() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 100_000).await;
        let csv = tables::german_credit();
        let schema = tables::inferred(&csv);
        let rows = tables::coded(&schema, &csv);
        let policy = Policy { min_cohort: 5, ..Policy::default() };
        let listing = owner.publish(&csv, schema.clone(), policy).await.expect("published").listing;
        let gate = owner.run_gate().await;
        let tree = task(
            &schema,
            "tree",
            &["max_depth=2", "thresholds=8"],
            "creditability",
            &["status_of_existing_checking_account", "duration_in_month", "housing", "purpose"],
        );
        let line = task(&schema, "ridge", &["alpha=2"], "credit_amount", &["duration_in_month", "housing"]);
        for (name, task) in [("tree", &tree), ("line", &line)] {
            let before = prepaid(&buyer).await;
            let (planned, quote) = offer(&buyer, &listing, task).await;
            let folder = home.join(name);
            let finished = run(&buyer, &planned, &folder, quote.price).await.expect("trained");
            assert_eq!(finished.trained, in_clear(&planned.source, task, &rows, 5), "{name}");
            let spent = before - prepaid(&buyer).await;
            assert_eq!((finished.paid.as_minor(), finished.paid <= quote.price), (spent, true), "{name}");
            assert_eq!(finished.receipts.len(), finished.trained.queries as usize);
            for receipt in &finished.receipts {
                let bytes = std::fs::read(receipt).expect("a receipt");
                let receipt: FullReceipt = serde_json::from_slice(&bytes).expect("a receipt");
                receipt.receipt.verify(buyer.session.platform_key()).expect("signed by the platform");
            }
            let written = std::fs::read(&finished.model).expect("a model");
            let model = sordino_client::auditions::read(&written, None).expect("read as any model");
            assert_eq!(model, finished.trained.model, "{name}");

            let again = run(&buyer, &planned, &folder, Amount::minor(0)).await.expect("all is at hand");
            assert_eq!((again.trained, again.paid), (finished.trained, finished.paid), "{name}");
            assert_eq!(before - prepaid(&buyer).await, spent, "{name}");
        }
        let (other, quote) = offer(&buyer, &listing, &line).await;
        // A folder that nothing was bought for is nobody's yet.
        let (first, _) = offer(&buyer, &listing, &tree).await;
        for planned in [&first, &other] {
            Folder::open(&home.join("unused"), planned, buyer.session.account).expect("a folder");
        }
        let refused = run(&buyer, &other, &home.join("tree"), quote.price).await.expect_err("another run");
        assert!(matches!(refused, ClientError::Training(TrainingError::OtherRun { .. })), "{refused}");
        let too_little = Amount::minor(quote.price.as_minor() - 1);
        let refused = run(&buyer, &other, &home.join("new"), too_little).await.expect_err("too little");
        assert!(matches!(refused, ClientError::Training(TrainingError::Overrun { .. })), "{refused}");
        gate.abort();
    });
}

/// The buyer's machine stops while queries are under way: what is paid is found again.
#[test]
fn a_run_that_is_cut_off_goes_on_without_paying_twice() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 100_000).await;
        let csv = home.join("people.csv");
        tables::write_small(&csv, tables::small_rows());
        let (schema, policy) = (tables::small_schema(), Policy { min_cohort: 1, ..Policy::default() });
        let listing = owner.publish(&csv, schema.clone(), policy).await.expect("published").listing;
        let line = task(&schema, "linear", &[], "income", &["city"]);
        let (planned, quote) = offer(&buyer, &listing, &line).await;
        let path = home.join("run");
        {
            // No gate runs, so the job waits for its release, and the machine stops.
            let folder = Folder::open(&path, &planned, buyer.session.account).expect("a folder");
            let (seen, mut waiting) = tokio::sync::mpsc::unbounded_channel();
            let mut watch = |event: Event<'_>| {
                if matches!(event, Event::Job(job) if job.state == JobState::AwaitingRelease) {
                    seen.send(()).expect("somebody waits");
                }
            };
            let running =
                training::run(&buyer.session, &buyer.keys, &planned, &folder, quote.price, &mut watch);
            tokio::select! {
                ended = running => panic!("without a gate: {ended:?}"),
                _ = waiting.recv() => {}
            }
        }
        let gate = owner.run_gate().await;
        let finished = run(&buyer, &planned, &path, quote.price).await.expect("trained");
        assert_eq!(100_000 - prepaid(&buyer).await, finished.paid.as_minor(), "paid once");
        assert_eq!(finished.receipts.len(), 1);
        gate.abort();
    });
}

/// With noise, a run costs the epsilon it was quoted, says what noise does, and ends when the budget
/// does; what was released until then is kept.
#[test]
fn noise_is_stated_and_the_budget_ends_a_run() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 100_000).await;
        let csv = tables::german_credit();
        let schema = tables::inferred(&csv);
        let policy = Policy {
            min_cohort: 5,
            noise: Noise::DiscreteGaussian {
                epsilon_per_query: Epsilon::millionths(1_000_000),
                delta_exponent: 6,
            },
            epsilon_budget: Some(Epsilon::millionths(1_500_000)),
            ..Policy::default()
        };
        // The owner makes synthetic rows and publishes them with the table.
        let options = Options { rows: 400, epsilon: 1.0, by: Some("creditability".to_owned()) };
        let table = Table::open(&csv).expect("a table");
        let made = sandbox::synthesise(&table, &schema, &options).expect("synthetic rows");
        let rows = home.join("sandbox.csv");
        std::fs::write(&rows, made.csv(&schema).expect("CSV")).expect("written");
        let listing = owner
            .publish_as(&csv, schema.clone(), |request| {
                (request.policy, request.sandbox) = (policy, Some(rows));
            })
            .await
            .expect("published")
            .listing;
        let gate = owner.run_gate().await;
        let inputs = ["status_of_existing_checking_account", "housing"];
        let bayes = task(&schema, "categorical-bayes", &[], "creditability", &inputs);
        let (planned, quote) = offer(&buyer, &listing, &bayes).await;
        assert_eq!((quote.queries, quote.epsilon), (1, Epsilon::millionths(1_000_000)));
        assert!(quote.noise_millis > 0);
        let own = sandbox::fetch(&buyer.session.client, &listing).await.expect("fetched").expect("a sandbox");
        assert_eq!(own, made, "as the owner signed it");
        let rehearsal = training::rehearse(&planned, &own).expect("a rehearsal");
        assert_eq!(rehearsal.rows, 300, "a quarter is kept back");
        assert!(rehearsal.trained.noise.is_some(), "rehearsed under the listing's noise");
        let finished = run(&buyer, &planned, &home.join("first"), quote.price).await.expect("trained");
        let noise = finished.trained.noise.as_ref().expect("noise");
        assert!((noise.largest_deviation - quote.noise_millis as f64 / 1e3).abs() < 0.01);
        assert!(training::fitted(&finished, quote.currency).contains("noise"));

        let before = prepaid(&buyer).await;
        let second = home.join("second");
        let other = task(&schema, "categorical-bayes", &[], "creditability", &["housing", "job"]);
        let (planned, quote) = offer(&buyer, &listing, &other).await;
        let refused = run(&buyer, &planned, &second, quote.price).await.expect_err("the budget is used up");
        assert!(
            matches!(refused, ClientError::Training(TrainingError::Unanswered { round: 1, .. })),
            "{refused}"
        );
        assert_eq!(prepaid(&buyer).await, before, "a refusal costs nothing");
        gate.abort();
    });
}
