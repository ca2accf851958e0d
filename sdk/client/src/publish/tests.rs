//! Planning and encrypting a small table, without a platform.

use std::{io::Write, sync::Mutex};

use sordino_protocol::money::{Amount, Currency};

use super::*;
use crate::{infer, profile::Profile, table::Table};

fn table() -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().prefix("people").suffix(".csv").tempfile().expect("a file");
    writeln!(file, "class,age,note").expect("written");
    for row in 0..60 {
        writeln!(file, "{},{},note {row}", ["good", "bad"][row % 2], 20 + row % 7).expect("written");
    }
    file
}

fn request(file: &std::path::Path) -> Request {
    let schema = infer::infer(&Table::open(file).expect("sound")).expect("inferred").schema;
    let price = Price {
        currency: Currency::EUR,
        per_query: Amount::minor(50),
        per_value: Amount::ZERO,
        per_million_units: Amount::ZERO,
    };
    Request::new(file.to_owned(), schema, "People".to_owned(), price)
}

/// Remembers the stages it was shown.
#[derive(Default)]
struct Stages(Mutex<Vec<(Stage, u64, u64)>>);

impl Progress for Stages {
    fn begin(&self, stage: Stage, total: u64) {
        self.0.lock().expect("not poisoned").push((stage, total, 0));
    }
    fn advance(&self, steps: u64) {
        if let Some(last) = self.0.lock().expect("not poisoned").last_mut() {
            last.2 += steps;
        }
    }
}

#[tokio::test]
async fn a_plan_says_what_happens_and_an_interrupted_publication_continues() {
    let file = table();
    let request = request(file.path());
    let keys = Arc::new(KeyBundle::generate(&mut rand::rng()));
    let plan = plan(&request, &keys).await.expect("planned");
    assert_eq!(plan.rows, 60);
    assert_eq!(plan.left_out, ["note"]);
    assert_eq!(plan.encrypted.len(), 2);
    assert!(plan.encrypt_seconds > 0.0);

    let root = tempfile::tempdir().expect("a folder");
    let profile = Profile::new(root.path(), "owner").expect("a name");
    let spool = || spool::Spool::open(&profile, &plan, &request, &keys).expect("opened");
    let stages = Stages::default();
    let manifest = encrypt::encrypt(&keys, &request, &plan, &spool(), &stages).expect("encrypted");
    manifest.validate().expect("sound");
    let bytes: u64 = manifest.objects.iter().map(|object| object.bytes).sum();
    let estimate = plan.upload.total_bytes();
    assert!(bytes.abs_diff(estimate) < estimate / 10 + 65_536, "{bytes} bytes, {estimate} estimated");
    for (stage, total, done) in stages.0.lock().expect("not poisoned").iter() {
        assert_eq!(total, done, "{stage:?}");
    }
    // Interrupted before the listing: what was made is found, nothing is encrypted again.
    let again = encrypt::encrypt(&keys, &request, &plan, &spool(), &Silent).expect("continued");
    assert_eq!(again, manifest);
    spool().finish().expect("forgotten");
    let fresh = encrypt::encrypt(&keys, &request, &plan, &spool(), &Silent).expect("encrypted");
    assert_ne!(fresh.lineage, manifest.lineage, "another publication");
}

#[tokio::test]
async fn every_column_of_german_credit_can_be_queried_within_64_megabytes() {
    let table = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/german_credit.csv");
    let request = request(&table);
    let keys = Arc::new(KeyBundle::generate(&mut rand::rng()));
    let planned = plan(&request, &keys).await.expect("planned");
    let bytes = planned.upload.total_bytes();
    let plain = std::fs::metadata(&table).expect("there").len();
    eprintln!("{:?}: {bytes} bytes, {plain} in plain CSV; {:?}", planned.upload, planned.alternatives);
    assert!(bytes <= 64_000_000, "{:?}", planned.upload);
    let scan = planned.scan.expect("published");
    assert_eq!(scan.digits.len(), request.schema.dimensions().count());
    let small = Request { max_upload: Some(20_000_000), ..request };
    let planned = plan(&small, &keys).await.expect("planned");
    assert!(planned.upload.total_bytes() <= 20_000_000, "{:?}", planned.upload);
    let none = Request { max_upload: Some(1_000), rollup: false, ..small };
    let error = plan(&none, &keys).await.expect_err("nothing fits").to_string();
    assert!(error.contains("1000 are allowed"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_published_is_said_before_anything_is_encrypted() {
    let file = table();
    let keys = Arc::new(KeyBundle::generate(&mut rand::rng()));
    let good = request(file.path());
    let nothing = Request { rollup: false, scan: false, ..good.clone() };
    assert!(matches!(plan(&nothing, &keys).await, Err(ClientError::Publish(PublishError::NoLayout))));
    let mut narrow = good.clone();
    narrow.schema.columns[1].dimension = Some(sordino_protocol::schema::Domain::Integer { min: 20, max: 21 });
    let error = plan(&narrow, &keys).await.expect_err("outside").to_string();
    assert!(error.contains("row 3, column `age`") && error.contains("integers 20 to 21"), "{error}");
    let mut noisy = good;
    noisy.policy.noise = sordino_protocol::policy::Noise::DiscreteGaussian {
        epsilon_per_query: sordino_protocol::policy::Epsilon::millionths(1),
        delta_exponent: 6,
    };
    assert!(matches!(plan(&noisy, &keys).await, Err(ClientError::Publish(PublishError::NoBudget))));
}
