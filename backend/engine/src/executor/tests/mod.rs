//! Evaluations of real ciphertext in a store in memory.

mod memory;
mod merging;
mod refused;
mod stores;
mod world;

use std::{sync::Arc, time::Duration};

use object_store::{
    ObjectStore, ObjectStoreExt,
    memory::InMemory,
    throttle::{ThrottleConfig, ThrottledStore},
};
use sordino_protocol::{layout::LayoutKind, plaintext};

use super::{EngineError, Executor, JobProgress, objects::location};
use world::{SQL, world};

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
