//! Evaluations of real ciphertext in a store in memory.

use std::{sync::Arc, time::Duration};

use object_store::{
    ObjectStore, ObjectStoreExt,
    memory::InMemory,
    path::Path,
    throttle::{ThrottleConfig, ThrottledStore},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sordino_fhe::{
    evaluation_keys,
    keys::SecretKeys,
    outputs::{self, Outputs},
    rollup::Aggregator,
    scan::encrypt_chunk,
};
use sordino_protocol::{
    canonical::Canonical,
    coded::CodedTable,
    digest::{Digest, Purpose},
    layout::{Chunk, LayoutKind},
    layout_plan::{self, RollupBudget},
    manifest::{Manifest, ObjectRef},
    merkle, plaintext,
    program::Program,
    query::Query,
    release_values::{self, GroupTotals},
    schema::{Column, Domain, Measure, Schema},
    testing,
};

use super::{EngineError, Executor, JobProgress};
use crate::{planner, sql};

/// Rows of each chunk; far fewer than slots.
const CHUNK_ROWS: [usize; 3] = [40, 25, 30];

struct World {
    keys: SecretKeys,
    table: CodedTable,
    manifest: Arc<Manifest>,
    store: Arc<InMemory>,
}

fn schema() -> Schema {
    let column = |name: &str, nullable, dimension, measure| Column {
        name: name.to_owned(),
        description: String::new(),
        nullable,
        dimension,
        measure,
    };
    let regions = ["north", "south", "west"].map(str::to_owned).to_vec();
    Schema {
        table: "sales".to_owned(),
        null_values: vec![],
        columns: vec![
            column("region", true, Some(Domain::Category { values: regions }), None),
            column("age", false, Some(Domain::Integer { min: 20, max: 31 }), None),
            column("paid", true, None, Some(Measure { scale: 2, min: -500, max: 9_000 })),
        ],
    }
}

async fn put(store: &InMemory, bytes: Vec<u8>) -> ObjectRef {
    let object = ObjectRef { digest: Digest::of(Purpose::Object, &bytes), bytes: bytes.len() as u64 };
    store.put(&location(&object.digest), bytes.into()).await.expect("stored");
    object
}

fn location(digest: &Digest) -> Path {
    Path::from(sordino_domain::objects::path(digest))
}

/// Encrypts a small table in both layouts.
async fn world(seed: u64) -> World {
    let (schema, mut next) = (schema(), testing::sequence(seed));
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let keys = SecretKeys::generate(&mut rng);
    let parts: Vec<CodedTable> =
        CHUNK_ROWS.iter().map(|rows| testing::table(&mut next, &schema, *rows)).collect();
    let rows: u64 = CHUNK_ROWS.iter().map(|rows| *rows as u64).sum();
    let store = InMemory::new();
    let mut objects = Vec::new();

    let mut rollup = layout_plan::rollup(&schema, rows, &RollupBudget::default());
    let mut aggregator = Aggregator::new(&schema, &rollup);
    parts.iter().for_each(|part| aggregator.add(part));
    for index in 0..aggregator.segments() {
        let bytes = aggregator.encrypt_segment(index, &keys, &mut rng).expect("encrypted");
        objects.push(put(&store, bytes).await);
    }
    rollup.segments = objects.iter().map(|object| object.digest).collect();

    let mut scan = layout_plan::scan(&schema, rows);
    for part in &parts {
        let bytes = encrypt_chunk(&keys, &schema, &scan, part, &mut rng).expect("encrypted");
        let object = put(&store, bytes).await;
        scan.chunks.push(Chunk { object: object.digest, rows: part.rows as u64 });
        objects.push(object);
    }
    let bytes = evaluation_keys::generate(&keys, scan.parameter_set, &mut rng).expect("generated");
    let object = put(&store, bytes).await;
    scan.evaluation_keys = object.digest;
    objects.push(object);

    let chunk_rows = CHUNK_ROWS.map(|rows| rows as u64);
    let mut manifest = testing::manifest(schema, rows, None, Some(scan.clone()), &chunk_rows);
    manifest.rollup = Some(rollup);
    manifest.scan = Some(scan);
    manifest.objects = objects;
    manifest.root = merkle::root(&manifest.mentioned());
    manifest.validate().expect("a valid manifest");
    World { keys, table: together(parts), manifest: Arc::new(manifest), store: Arc::new(store) }
}

fn together(parts: Vec<CodedTable>) -> CodedTable {
    parts
        .into_iter()
        .reduce(|mut all, part| {
            all.rows += part.rows;
            for (codes, more) in all.codes.iter_mut().zip(part.codes) {
                if let (Some(codes), Some(more)) = (codes, more) {
                    codes.extend(more);
                }
            }
            for (values, more) in all.values.iter_mut().zip(part.values) {
                if let (Some(values), Some(more)) = (values, more) {
                    values.extend(more);
                }
            }
            all
        })
        .expect("parts")
}

impl World {
    fn query(&self, sql: &str) -> Query {
        let dataset = self.manifest.digest().expect("canonical");
        sql::bind(dataset, &self.manifest.schema, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn program(&self, query: &Query, layout: LayoutKind) -> Arc<Program> {
        Arc::new(planner::plan(&self.manifest, query, Some(layout)).expect("plannable").program)
    }

    fn opened(&self, query: &Query, program: &Program, bytes: &[u8]) -> Vec<GroupTotals> {
        let outputs = Outputs::from_bytes(bytes, program).expect("outputs");
        let decrypted = outputs::decrypt(&self.keys, program, &outputs).expect("decrypted");
        release_values::combine(&self.manifest.schema, query, program, &decrypted).expect("combined")
    }

    async fn evaluate(&self, executor: &Executor, program: &Arc<Program>) -> Result<Vec<u8>, EngineError> {
        let progress = Arc::new(JobProgress::new());
        let store: Arc<dyn ObjectStore> = self.store.clone();
        let (manifest, program) = (Arc::clone(&self.manifest), Arc::clone(program));
        let evaluation = executor.evaluate(store, manifest, program, Arc::clone(&progress)).await?;
        assert!(progress.total() > 0);
        assert_eq!(progress.done(), progress.total(), "progress is exact");
        Ok(evaluation.outputs)
    }
}

const SQL: &str = "SELECT region, COUNT(*), COUNT(paid), SUM(paid) FROM sales \
                   WHERE age BETWEEN 22 AND 29 AND (region IS NULL OR region <> 'west') GROUP BY region";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_layouts_give_the_plaintext_totals_always_in_the_same_bytes() {
    let world = world(11).await;
    let executor = Executor::new(2).expect("threads");
    for sql in [SQL, "SELECT AVG(paid) AS a FROM sales", "SELECT COUNT(*) FROM sales WHERE age = 20"] {
        let query = world.query(sql);
        let expected = plaintext::evaluate(&world.manifest.schema, &query, &world.table);
        for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
            let program = world.program(&query, layout);
            let first = world.evaluate(&executor, &program).await.expect("evaluated");
            assert_eq!(world.opened(&query, &program, &first), expected, "{layout:?}: {sql}");
            let (again, other) =
                tokio::join!(world.evaluate(&executor, &program), world.evaluate(&executor, &program));
            assert_eq!(first, again.expect("evaluated again"));
            assert_eq!(first, other.expect("evaluated at the same time"));
        }
    }
    let one = Executor::new(1).expect("a thread");
    let program = world.program(&world.query(SQL), LayoutKind::Scan);
    let alone = world.evaluate(&one, &program).await.expect("evaluated");
    assert_eq!(alone, world.evaluate(&executor, &program).await.expect("evaluated"));
}

#[tokio::test]
async fn missing_and_damaged_objects_are_named() {
    let world = world(12).await;
    let executor = Executor::new(2).expect("threads");
    let query = world.query(SQL);
    let (rollup, scan) = (world.program(&query, LayoutKind::Rollup), world.program(&query, LayoutKind::Scan));
    let segments = world.manifest.rollup.as_ref().expect("published").segments.clone();
    let layout = world.manifest.scan.as_ref().expect("published");
    let (chunk, key) = (layout.chunks[1].object, layout.evaluation_keys);
    for (digest, program) in [(segments[0], &rollup), (key, &scan), (chunk, &scan)] {
        let path = location(&digest);
        let bytes = world.store.get(&path).await.expect("stored").bytes().await.expect("read");
        world.store.delete(&path).await.expect("deleted");
        let error = world.evaluate(&executor, program).await.expect_err("it is missing");
        assert!(matches!(error, EngineError::Missing(missing) if missing == digest), "{error}");
        assert!(!error.is_retryable());

        let shorter = bytes.slice(..bytes.len() - 1);
        world.store.put(&path, shorter.into()).await.expect("stored");
        let error = world.evaluate(&executor, program).await.expect_err("it is shorter");
        assert!(matches!(&error, EngineError::Damaged { digest: named, .. } if *named == digest), "{error}");

        let mut other = bytes.to_vec();
        let end = other.len() - 3;
        other[end] ^= 0x40;
        world.store.put(&path, other.into()).await.expect("stored");
        let error = world.evaluate(&executor, program).await.expect_err("it is another");
        assert!(
            digest == chunk
                || matches!(&error, EngineError::Damaged { digest: named, .. } if *named == digest),
            "{error}"
        );

        world.store.put(&path, bytes.into()).await.expect("stored");
        world.evaluate(&executor, program).await.expect("whole again");
        // The next executor has no keys in its cache.
        if digest == key {
            assert!(world.evaluate(&Executor::new(1).expect("a thread"), program).await.is_ok());
        }
    }
}

#[tokio::test]
async fn a_cancelled_evaluation_stops_and_leaves_room_for_the_next() {
    let world = world(13).await;
    let executor = Arc::new(Executor::new(1).expect("a thread"));
    let program = world.program(&world.query(SQL), LayoutKind::Scan);

    let before = Arc::new(JobProgress::new());
    before.cancel();
    let store: Arc<dyn ObjectStore> = world.store.clone();
    let manifest = Arc::clone(&world.manifest);
    let result = executor.evaluate(store, manifest, Arc::clone(&program), before).await;
    assert!(matches!(result, Err(EngineError::Cancelled)), "{result:?}");

    // A store so slow that the evaluation would not end within this test.
    let slow = ThrottleConfig { wait_get_per_call: Duration::from_secs(3_600), ..ThrottleConfig::default() };
    let slow: Arc<dyn ObjectStore> = Arc::new(ThrottledStore::new(InMemory::new(), slow));
    let start = |progress: &Arc<JobProgress>| {
        let (executor, progress) = (Arc::clone(&executor), Arc::clone(progress));
        let (slow, manifest, program) =
            (Arc::clone(&slow), Arc::clone(&world.manifest), Arc::clone(&program));
        tokio::spawn(async move { executor.evaluate(slow, manifest, program, progress).await })
    };
    let (running, waiting) = (Arc::new(JobProgress::new()), Arc::new(JobProgress::new()));
    let (first, second) = (start(&running), start(&waiting));
    while running.total() == 0 || waiting.total() == 0 {
        tokio::task::yield_now().await;
    }
    waiting.cancel();
    assert!(matches!(second.await.expect("joined"), Err(EngineError::Cancelled)));
    running.cancel();
    assert!(matches!(first.await.expect("joined"), Err(EngineError::Cancelled)));

    // One that nobody waits for any more stops as well.
    let abandoned = Arc::new(JobProgress::new());
    let task = start(&abandoned);
    while abandoned.total() == 0 {
        tokio::task::yield_now().await;
    }
    task.abort();
    world.evaluate(&executor, &program).await.expect("there is room again");
}

#[tokio::test]
async fn a_program_for_a_layout_that_is_not_published_is_refused() {
    let world = world(14).await;
    let query = world.query(SQL);
    let executor = Executor::new(1).expect("a thread");
    for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
        let program = world.program(&query, layout);
        let mut manifest = (*world.manifest).clone();
        match layout {
            LayoutKind::Rollup => manifest.rollup = None,
            LayoutKind::Scan => manifest.scan = None,
        }
        let store: Arc<dyn ObjectStore> = world.store.clone();
        let progress = Arc::new(JobProgress::new());
        let result = executor.evaluate(store, Arc::new(manifest), program, progress).await;
        assert!(matches!(result, Err(EngineError::NoLayout(missing)) if missing == layout), "{result:?}");
    }
}
