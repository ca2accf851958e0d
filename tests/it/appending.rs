//! A dataset that grows: half of German Credit is published, the rest appended.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sordino_client::{
    ClientError, buyer,
    publish::{self, AppendRequest, Progress, PublishError, Published, Silent, Stage},
    session::Session,
};
use sordino_protocol::{
    api::{JobState, Listing},
    digest::Digest,
    layout::LayoutKind,
    policy::{Epsilon, Noise, Policy},
};
use sordino_tests::{
    app::{TestApp, block_on},
    parties::{Party, traders},
    proxy::Proxy,
    tables,
};
use tokio::sync::Notify;

const QUERIES: [&str; 3] = [
    "SELECT creditability, COUNT(*), AVG(credit_amount) FROM german_credit \
     WHERE age_in_years >= 30 AND housing = 'own' GROUP BY creditability",
    "SELECT COUNT(*) AS n, SUM(credit_amount) AS total FROM german_credit",
    "SELECT job, SUM(duration_in_month) AS months FROM german_credit WHERE age_in_years > 40 GROUP BY job",
];

/// The first `rows` rows of a table, and the others.
fn split(table: &Path, rows: usize, folder: &Path) -> (PathBuf, PathBuf) {
    let text = fs::read_to_string(table).expect("a table");
    let (header, lines) = text.split_once('\n').expect("a header");
    let lines: Vec<&str> = lines.lines().collect();
    let write = |name: &str, lines: &[&str]| {
        let path = folder.join(name);
        fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).expect("written");
        path
    };
    (write("german_credit.csv", &lines[..rows]), write("rest.csv", &lines[rows..]))
}

async fn append(
    owner: &Party,
    listing: &Listing,
    table: &Path,
    again: bool,
) -> Result<Published, ClientError> {
    append_watched(owner, listing, table, again, Arc::new(Silent)).await
}

async fn append_watched(
    owner: &Party,
    listing: &Listing,
    table: &Path,
    again: bool,
    progress: Arc<dyn Progress>,
) -> Result<Published, ClientError> {
    let request = AppendRequest { listing: listing.id, table: table.to_owned(), again };
    let plan = publish::plan_append(&owner.session, &owner.keys, &request).await?;
    publish::append(&owner.session, &owner.keys, &request, &plan, progress).await
}

/// Says when a share of the upload has arrived.
struct Arrived {
    percent: u64,
    total: AtomicU64,
    sent: AtomicU64,
    enough: Notify,
}

impl Progress for Arrived {
    fn begin(&self, stage: Stage, total: u64) {
        // Until the upload begins, no number of steps is enough.
        self.total.store(if stage == Stage::Upload { total } else { u64::MAX }, Ordering::SeqCst);
        self.sent.store(0, Ordering::SeqCst);
    }

    fn advance(&self, steps: u64) {
        let sent = self.sent.fetch_add(steps, Ordering::SeqCst) + steps;
        let total = self.total.load(Ordering::SeqCst);
        if u128::from(sent) * 100 >= u128::from(total) * u128::from(self.percent) {
            self.enough.notify_one();
        }
    }
}

/// Appends, and stops like a process that is killed once so many percent of the upload have arrived:
/// nothing is awaited, and only files remain. What follows must do with these.
async fn die_while_appending(owner: &Party, listing: &Listing, table: &Path, percent: u64) {
    let arrived = Arc::new(Arrived {
        percent,
        total: AtomicU64::new(u64::MAX),
        sent: AtomicU64::new(0),
        enough: Notify::new(),
    });
    tokio::select! {
        biased;
        () = arrived.enough.notified() => {}
        outcome = append_watched(owner, listing, table, false, Arc::clone(&arrived) as _) => {
            panic!("it was to die before it ended: {outcome:?}")
        }
    }
}

/// How often each object was sent, from the requests that crossed the proxy.
fn sent(proxy: &Proxy) -> BTreeMap<Digest, u32> {
    const PUT: &[u8] = b"PUT /v1/objects/";
    let mut counts = BTreeMap::new();
    for direction in proxy.crossed() {
        for at in (0..direction.len()).filter(|at| direction[*at..].starts_with(PUT)) {
            let digest = direction[at + PUT.len()..].iter().take_while(|byte| **byte != b' ');
            let digest = String::from_utf8(digest.copied().collect()).expect("a request");
            *counts.entry(digest.parse().expect("a digest")).or_default() += 1;
        }
    }
    counts
}

#[test]
fn appended_rows_are_counted_through_both_layouts_and_old_chunks_stay() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 100_000).await;
        let csv = tables::german_credit();
        let schema = tables::inferred(&csv);
        let (half, rest) = split(&csv, 500, home);
        let policy = Policy { min_cohort: 1, ..Policy::default() };
        let first = owner.publish(&half, schema.clone(), policy).await.expect("published");
        let before = owner.session.client.manifest(first.listing.id).await.expect("a manifest").body;
        // Paid for before rows are appended, answered after.
        let (offer, job) = buyer.buy(&first.listing, QUERIES[1], None).await.expect("bought");

        let published = append(&owner, &first.listing, &rest, false).await.expect("appended");
        let listing = published.listing;
        assert_eq!((listing.id, listing.version, listing.rows), (first.listing.id, 2, 1_000));
        let after = owner.session.client.manifest(listing.id).await.expect("a manifest").body;
        let (old, new) = (before.scan.expect("published"), after.scan.clone().expect("published"));
        assert_eq!(new.chunks[..old.chunks.len()], old.chunks, "what was uploaded stays");
        assert_eq!((new.evaluation_keys, new.digits), (old.evaluation_keys, old.digits));
        let sent: u64 = after.objects.iter().filter(|o| !before.objects.contains(o)).map(|o| o.bytes).sum();
        assert_eq!(published.uploaded_bytes, sent, "nothing is sent twice");

        let gate = owner.run_gate().await;
        let job = buyer::wait(&buyer.session, job.id, |_| {}).await.expect("it ends");
        assert_eq!(job.state, JobState::Released, "{:?}", job.problem);
        let opened = buyer::open(&buyer.session, &buyer.keys, &job, Some(&offer)).await.expect("opened");
        let (some, all) = (tables::coded(&schema, &half), tables::coded(&schema, &csv));
        let expected = tables::expected(&schema, &offer.offer.query, offer.query, &some, 1);
        assert_eq!(opened.answer.groups, expected.groups, "the version that was paid for");
        for sql in QUERIES {
            for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
                let (offer, _, opened) = buyer
                    .ask(&listing, sql, Some(layout))
                    .await
                    .unwrap_or_else(|error| panic!("{layout:?} {sql}: {error}"));
                let expected = tables::expected(&schema, &offer.offer.query, offer.query, &all, 1);
                assert_eq!(opened.answer.groups, expected.groups, "{layout:?} {sql}");
                assert!(opened.report.reevaluated);
            }
        }
        gate.abort();

        let again = append(&owner, &listing, &rest, false).await.expect("nothing to do");
        assert_eq!((again.listing.version, again.uploaded_bytes), (2, 0));
        let again = append(&owner, &listing, &half, false).await.expect("nothing to do");
        assert_eq!(again.listing.rows, 1_000, "the first half is part of it as well");
        let once_more = append(&owner, &listing, &rest, true).await.expect("asked for");
        assert_eq!((once_more.listing.version, once_more.listing.rows), (3, 1_500));
    });
}

#[test]
fn what_does_not_fit_is_refused_and_the_budget_is_of_all_versions() {
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
        buyer.ask(&listing, sql, None).await.expect("half of the budget");

        let more = home.join("more.csv");
        tables::write_small(&more, [("Bern", 3, 5), ("Paris", 4, 6)]);
        let error = append(&owner, &listing, &more, false).await.expect_err("no such city").to_string();
        assert!(error.contains("row 2, column `city`") && error.contains("Paris"), "{error}");
        fs::write(&more, "city,age\nBern,3\n").expect("written");
        let error =
            append(&owner, &listing, &more, false).await.expect_err("a column is missing").to_string();
        assert!(error.contains("income"), "{error}");
        tables::write_small(&more, (0..20).map(|age| ("Rome", age % 10, 7)));
        let stranger = append(&buyer, &listing, &more, false).await;
        assert!(matches!(stranger, Err(ClientError::Publish(PublishError::NotOwner { .. }))), "{stranger:?}");
        let listing = append(&owner, &listing, &more, false).await.expect("appended").listing;
        assert_eq!((listing.version, listing.rows), (2, 80));

        buyer.ask(&listing, sql, None).await.expect("the same question of another version costs again");
        let third = "SELECT COUNT(*) AS n FROM people WHERE age < 6";
        match buyer.buy(&listing, third, None).await {
            Ok((_, job)) => {
                let job = buyer::wait(&buyer.session, job.id, |_| {}).await.expect("it ends");
                assert_eq!(job.state, JobState::Refused, "{:?}", job.problem);
            }
            Err(ClientError::Problem(problem)) => eprintln!("refused at once: {}", problem.detail),
            Err(error) => panic!("{error}"),
        }
        gate.abort();
    });
}

#[test]
fn an_interrupted_append_continues_and_the_old_version_answers_meanwhile() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let proxy = Proxy::start(app.url()).await;
        let (mut owner, buyer) = traders(&app.running, home, &proxy.url(), 100_000).await;
        let csv = tables::german_credit();
        let schema = tables::inferred(&csv);
        let (half, rest) = split(&csv, 500, home);
        let policy = Policy { min_cohort: 1, ..Policy::default() };
        let listing = owner.publish(&half, schema.clone(), policy).await.expect("published").listing;
        let old = owner.session.client.manifest(listing.id).await.expect("a manifest").body;
        let (some, all) = (tables::coded(&schema, &half), tables::coded(&schema, &csv));
        let gate = owner.run_gate().await;
        let answers = async |rows| {
            for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
                let (offer, _, opened) =
                    buyer.ask(&listing, QUERIES[0], Some(layout)).await.expect("answered");
                let expected = tables::expected(&schema, &offer.offer.query, offer.query, rows, 1);
                assert_eq!(opened.answer.groups, expected.groups, "{layout:?}");
            }
        };

        // Killed in the middle of the upload: some objects are there, others are not or in part.
        let published = sent(&proxy);
        die_while_appending(&owner, &listing, &rest, 10).await;
        let mut tried = sent(&proxy);
        tried.retain(|digest, _| !published.contains_key(digest));
        let missing = owner.session.client.missing_objects(&tried.keys().copied().collect::<Vec<_>>()).await;
        let missing = missing.expect("an answer");
        let arrived: Vec<Digest> = tried.into_keys().filter(|digest| !missing.contains(digest)).collect();
        assert!(!arrived.is_empty());
        let shown = owner.session.client.listing(listing.id).await.expect("a listing");
        assert_eq!(shown, listing, "nothing is appended until everything is there");
        answers(&some).await;

        // Killed once more, by a process that knows what the files tell, when the last object has
        // arrived: whether the version was appended, it cannot know.
        owner.session = Session::resume(&owner.session.profile, None).await.expect("signed in");
        die_while_appending(&owner, &listing, &rest, 100).await;
        let before = sent(&proxy);
        assert!(arrived.iter().all(|digest| before[digest] == 1), "what has arrived is not sent again");
        let shown = owner.session.client.listing(listing.id).await.expect("a listing");
        assert!(shown.version <= 2, "{}", shown.version);
        if shown.version == 1 {
            answers(&some).await;
        }

        owner.session = Session::resume(&owner.session.profile, None).await.expect("signed in");
        let appended = append(&owner, &listing, &rest, false).await.expect("appended");
        assert_eq!((appended.listing.id, appended.listing.version), (listing.id, 2));
        assert_eq!((appended.listing.rows, appended.uploaded_bytes), (1_000, 0));
        let new = owner.session.client.manifest(listing.id).await.expect("a manifest").body;
        let fresh = new.objects.iter().filter(|object| !old.objects.contains(object));
        let fresh: Vec<Digest> = fresh.map(|object| object.digest).collect();
        assert!(arrived.iter().all(|digest| fresh.contains(digest)), "what had arrived is part of it");
        assert!(fresh.len() > arrived.len(), "the first attempt died in the middle");
        let after = sent(&proxy);
        assert_eq!(after, before, "everything had arrived");
        assert!(
            old.objects.iter().all(|object| after[&object.digest] == 1),
            "old objects stay where they are"
        );
        answers(&all).await;
        gate.abort();
    });
}
