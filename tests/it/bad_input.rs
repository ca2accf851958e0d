//! Bad input that crosses more than one crate: each a clear error with its code, and nothing is lost.

use sordino_client::{ClientError, publish::PublishError};
use sordino_protocol::{
    api::{JobState, Publish},
    digest::{Digest, Purpose},
    ids::LineageId,
    layout::LayoutKind,
    manifest::ObjectRef,
    merkle,
    policy::Policy,
    problem::ProblemCode,
};
use sordino_tests::{
    app::{TestApp, block_on},
    parties::{Party, price, traders},
    tables,
};
use tokio::io::AsyncWriteExt;

const SQL: &str = "SELECT COUNT(*) AS n FROM people WHERE city = 'Oslo'";

/// What an owner uploads is his to choose: the platform must survive bytes that are no ciphertext, and
/// the buyer must get his money back.
#[test]
fn objects_that_are_no_ciphertext_fail_the_job_and_cost_nothing() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 10_000).await;
        let csv = home.join("people.csv");
        tables::write_small(&csv, tables::small_rows());
        let policy = Policy { min_cohort: 1, ..Policy::default() };
        let good =
            owner.publish(&csv, tables::small_schema(), policy.clone()).await.expect("published").listing;

        let mut manifest = owner.session.client.manifest(good.id).await.expect("a manifest").body;
        manifest.lineage = LineageId::new(uuid::Uuid::now_v7());
        let rubbish = vec![0xab; 100_000];
        let digest = Digest::of(Purpose::Object, &rubbish);
        put(app.url(), &owner, digest, &rubbish, rubbish.len()).await;
        let rollup = manifest.rollup.as_mut().expect("a rollup layout");
        rollup.segments.iter_mut().for_each(|segment| *segment = digest);
        let scan = manifest.scan.as_mut().expect("a scan layout");
        scan.chunks.iter_mut().for_each(|chunk| chunk.object = digest);
        let keys = scan.evaluation_keys;
        for object in manifest.objects.iter_mut().filter(|object| object.digest != keys) {
            *object = ObjectRef { digest, bytes: rubbish.len() as u64 };
        }
        manifest.root = merkle::root(&manifest.mentioned());
        let body = Publish {
            title: "rubbish".to_owned(),
            description: String::new(),
            manifest: owner.keys.signing.sign(manifest).expect("signed"),
            policy,
            price: price(),
            gate: good.gate,
        };
        let listing = owner.session.client.publish(&body).await.expect("its form is right");
        for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
            let (_, job) = buyer.buy(&listing, SQL, Some(layout)).await.expect("bought");
            let job = sordino_client::buyer::wait(&buyer.session, job.id, |_| {}).await.expect("it ends");
            let code = job.problem.as_ref().map(|problem| problem.code);
            assert_eq!((job.state, code), (JobState::Failed, Some(ProblemCode::BadCiphertext)), "{layout:?}");
        }
        let balance = buyer.session.client.balance().await.expect("a balance");
        assert_eq!((balance.prepaid.as_minor(), balance.held.as_minor()), (10_000, 0));
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
    });
}

/// What the platform would not store is refused before anything is encrypted.
#[test]
fn a_table_whose_chunks_the_platform_does_not_take_is_refused_before_it_is_encrypted() {
    block_on(async {
        let app = TestApp::start_with(|config| config.limits.object_bytes = 1_000_000).await;
        let owner = Party::join(app.folder.path(), app.url(), "owner").await;
        let csv = app.folder.path().join("people.csv");
        tables::write_small(&csv, tables::small_rows());
        let refused =
            owner.publish(&csv, tables::small_schema(), Policy::default()).await.expect_err("large");
        let is_named = matches!(refused, ClientError::Publish(PublishError::Object { limit: 1_000_000, .. }));
        assert!(is_named, "{refused}");
    });
}

/// A connection that breaks in the middle of an upload leaves nothing, and the upload can be repeated.
#[test]
fn a_truncated_upload_is_invisible_and_can_be_repeated() {
    block_on(async {
        let app = TestApp::start().await;
        let owner = Party::join(app.folder.path(), app.url(), "owner").await;
        let bytes = vec![7; 300_000];
        let digest = Digest::of(Purpose::Object, &bytes);
        put(app.url(), &owner, digest, &bytes[..200_000], bytes.len()).await;
        let missing = owner.session.client.missing_objects(&[digest]).await.expect("answered");
        assert_eq!(missing, [digest], "half an object is no object");
        put(app.url(), &owner, digest, &bytes, bytes.len()).await;
        let missing = owner.session.client.missing_objects(&[digest]).await.expect("answered");
        assert!(missing.is_empty());
    });
}

/// Uploads `sent` under a header that promises `length` bytes and reads to the end, so that the server has dealt
/// with it. Only a client that has broken off closes its side: a server may stop working for one that is gone.
async fn put(url: &str, owner: &Party, digest: Digest, sent: &[u8], length: usize) {
    let address = url.trim_start_matches("http://");
    let token = owner.session.profile.credentials().expect("credentials").token.clone().expect("signed in");
    let head = format!(
        "PUT /v1/objects/{digest} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(sent).await.expect("sent");
    let whole = sent.len() == length;
    if !whole {
        stream.shutdown().await.expect("closed");
    }
    let mut answer = vec![];
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
    if whole {
        read.expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
}
