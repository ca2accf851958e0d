//! The whole loop on German Credit: publish, quote, pay, query, release, open.

use datafusion::{
    arrow::util::display::{ArrayFormatter, FormatOptions},
    prelude::{CsvReadOptions, SessionContext},
};
use serde_json::Value;
use sordino_client::ClientError;
use sordino_protocol::{
    api::{JobState, LedgerKind},
    layout::LayoutKind,
    policy::{Epsilon, Noise, Policy},
    problem::ProblemCode,
};
use sordino_tests::{
    app::{TestApp, block_on},
    parties::traders,
    tables,
};

const QUERIES: [&str; 6] = [
    "SELECT creditability, COUNT(*), AVG(credit_amount) FROM german_credit \
     WHERE age_in_years >= 30 AND housing = 'own' GROUP BY creditability",
    "SELECT COUNT(*) AS n, SUM(credit_amount) AS total FROM german_credit",
    "SELECT housing, creditability, COUNT(*) AS n FROM german_credit \
     WHERE purpose IN ('car (new)', 'car (used)') GROUP BY housing, creditability",
    "SELECT COUNT(*) AS n, AVG(duration_in_month) AS months FROM german_credit \
     WHERE NOT (age_in_years BETWEEN 25 AND 60) OR foreign_worker = 'no'",
    "SELECT job, SUM(duration_in_month) AS months FROM german_credit \
     WHERE age_in_years > 40 GROUP BY job",
    "SELECT COUNT(*) AS n FROM german_credit WHERE housing = 'own' AND housing = 'rent'",
];

/// Conditions in aggregates, statistics, ranks, and what the buyer's machine does; the columns of one
/// query fit a cuboid.
const RICHER: [&str; 3] = [
    "SELECT housing, COUNT(*) AS n, STDDEV(duration_in_month) AS spread, \
     SUM(CASE WHEN creditability = 'bad' THEN duration_in_month ELSE 0 END) AS bad_months, \
     COUNT(*) FILTER (WHERE foreign_worker = 'yes') AS foreigners FROM german_credit \
     GROUP BY housing HAVING COUNT(*) > 110 ORDER BY spread DESC",
    "SELECT creditability, MEDIAN(age_in_years) AS age, \
     100.0 * COUNT(*) FILTER (WHERE housing = 'own') / COUNT(*) AS owners FROM german_credit \
     GROUP BY creditability ORDER BY owners LIMIT 1",
    "SELECT MIN(age_in_years) AS youngest, MAX(age_in_years) AS oldest, \
     SUM(duration_in_month * 2 - 1) AS doubled, REGR_SLOPE(credit_amount, duration_in_month) AS slope \
     FROM german_credit",
];

#[test]
fn answers_equal_the_plaintext_through_both_layouts_and_the_money_adds_up() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 100_000).await;

        let csv = tables::german_credit();
        let schema = tables::inferred(&csv);
        let rows = tables::coded(&schema, &csv);
        let policy = Policy { min_cohort: 1, ..Policy::default() };
        let published = owner.publish(&csv, schema.clone(), policy).await.expect("published");
        let listing = published.listing;
        let gate = owner.run_gate().await;

        let mut spent = 0;
        for sql in QUERIES {
            let plain = plain_answer(sql).await;
            for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
                let (offer, job, opened) = buyer
                    .ask(&listing, sql, Some(layout))
                    .await
                    .unwrap_or_else(|error| panic!("{layout:?} {sql}: {error}"));
                let query = &offer.offer.query;
                let expected = tables::expected(&schema, query, offer.query, &rows, 1);
                assert_eq!(opened.answer.groups, expected.groups, "{layout:?} {sql}");
                assert_eq!(opened.answer.rows, expected.rows, "{layout:?} {sql}");
                assert_same_as_plain(&opened.answer.rows, &plain, sql);
                assert!(
                    opened.report.answer_checked && opened.report.quote_checked && opened.report.reevaluated
                );
                assert_eq!((job.state, job.done), (JobState::Released, job.total));
                assert_eq!(job.total, offer.offer.quote.body.operations.total());
                spent += job.price.as_minor();
            }
        }

        for sql in RICHER {
            let plain = plain_answer(sql).await;
            for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
                let (offer, job, opened) = buyer
                    .ask(&listing, sql, Some(layout))
                    .await
                    .unwrap_or_else(|error| panic!("{layout:?} {sql}: {error}"));
                let query = &offer.offer.query;
                let expected = tables::expected(&schema, query, offer.query, &rows, 1);
                assert_eq!(opened.answer, expected, "{layout:?} {sql}");
                let shown = opened.table().expect("presented");
                assert_equals_plain(&shown.rows, &plain, sql);
                // Without the offer at hand, the platform says how the answer is shown.
                let later = sordino_client::buyer::open(&buyer.session, &buyer.keys, &job, None).await;
                assert_eq!(later.expect("opened").table().expect("presented"), shown);
                spent += job.price.as_minor();
            }
        }

        let paid = buyer.session.client.balance().await.expect("a balance");
        assert_eq!((paid.prepaid.as_minor(), paid.held.as_minor()), (100_000 - spent, 0));
        let earned = owner.session.client.balance().await.expect("a balance");
        assert!(earned.payable.as_minor() > 0 && earned.payable.as_minor() < spent);
        let statement = buyer.session.client.ledger().await.expect("a statement");
        let sum = |kind| {
            let entries = statement.entries.iter().filter(|entry| entry.ledger == kind);
            entries.map(|entry| entry.amount.as_minor()).sum::<i64>()
        };
        assert_eq!(sum(LedgerKind::BuyerPrepaid), 100_000 - spent);
        assert_eq!(sum(LedgerKind::BuyerHold), 0);
        let audit = app.running.storage().ledger().audit().await.expect("an audit");
        assert!(audit.is_clean(), "{:?}", audit.findings);
        gate.abort();
    });
}

#[test]
fn noise_is_drawn_once_costs_epsilon_once_and_stops_at_the_budget() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 100_000).await;
        let csv = home.join("people.csv");
        tables::write_small(&csv, tables::small_rows());
        let noise =
            Noise::DiscreteGaussian { epsilon_per_query: Epsilon::millionths(500_000), delta_exponent: 6 };
        let budget = Some(Epsilon::millionths(1_000_000));
        let policy = Policy { min_cohort: 1, noise, epsilon_budget: budget, ..Policy::default() };
        let listing = owner.publish(&csv, tables::small_schema(), policy).await.expect("published").listing;
        let gate = owner.run_gate().await;

        let sql = "SELECT city, COUNT(*) AS n FROM people GROUP BY city";
        let (offer, _, first) = buyer.ask(&listing, sql, None).await.expect("answered");
        assert!(
            offer.offer.quote.body.noise_millis.iter().all(|sigma| *sigma > 0),
            "the quote states the noise"
        );
        let (_, _, again) = buyer.ask(&listing, sql, None).await.expect("answered");
        assert_eq!(first.answer.groups, again.answer.groups, "asking again does not average the noise away");
        let other = "SELECT COUNT(*) AS n FROM people WHERE age < 5";
        buyer.ask(&listing, other, None).await.expect("the second half of the budget");
        let third = "SELECT COUNT(*) AS n FROM people WHERE age < 6";
        match buyer.buy(&listing, third, None).await {
            Ok((_, job)) => {
                let job = sordino_client::buyer::wait(&buyer.session, job.id, |_| {}).await.expect("it ends");
                assert_eq!(job.state, JobState::Refused, "{:?}", job.problem);
            }
            Err(ClientError::Problem(problem)) => assert_eq!(problem.code, ProblemCode::PolicyRefused),
            Err(error) => panic!("{error}"),
        }
        let balance = buyer.session.client.balance().await.expect("a balance");
        assert_eq!(balance.held.as_minor(), 0, "a refusal gives the price back");
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
        gate.abort();
    });
}

/// The answer of DataFusion on the CSV itself: rows of texts.
async fn plain_answer(sql: &str) -> Vec<Vec<String>> {
    let context = SessionContext::new();
    let path = tables::german_credit();
    let path = path.to_str().expect("a path");
    context.register_csv("german_credit", path, CsvReadOptions::new()).await.expect("registered");
    let batches = context.sql(sql).await.expect("planned").collect().await.expect("answered");
    let mut rows = vec![];
    for batch in &batches {
        let options = FormatOptions::default();
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).expect("printable"))
            .collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column.value(row).to_string()).collect());
        }
    }
    rows
}

/// Every row of the plain answer is in ours; ours also has the groups without rows.
fn assert_same_as_plain(ours: &[Vec<Value>], plain: &[Vec<String>], sql: &str) {
    for row in plain {
        assert!(ours.iter().any(|own| same_row(own, row)), "{sql}: {row:?} is not in {ours:?}");
    }
}

/// The same rows in the same order.
fn assert_equals_plain(ours: &[Vec<Value>], plain: &[Vec<String>], sql: &str) {
    assert_eq!(ours.len(), plain.len(), "{sql}: {ours:?}, not {plain:?}");
    for (own, row) in ours.iter().zip(plain) {
        assert!(same_row(own, row), "{sql}: {own:?} is not {row:?}");
    }
}

fn same_row(ours: &[Value], plain: &[String]) -> bool {
    let same = |ours: &Value, plain: &str| match ours {
        // A group of nobody is below every cohort: it is suppressed, where SQL counts zero.
        Value::Null => plain.is_empty() || plain == "0",
        Value::String(text) => text == plain,
        number => {
            let (ours, plain) = (number.as_f64().unwrap_or(f64::NAN), plain.parse().unwrap_or(f64::INFINITY));
            (ours - plain).abs() <= 1e-9 * plain.abs()
        }
    };
    ours.len() == plain.len() && ours.iter().zip(plain).all(|(own, plain)| same(own, plain))
}
