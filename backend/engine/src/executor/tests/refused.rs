//! Chunks that are not what the manifest promises.

use std::{ops::Range, sync::Arc};

use object_store::{ObjectStore, ObjectStoreExt};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sordino_fhe::{
    error::{FheError, SourceError},
    scan::{Footer, TAIL, encrypt_chunk},
    trust::TrustError,
};
use sordino_protocol::{
    layout::{LayoutKind, Slice},
    layout_plan,
    manifest::Manifest,
    program::Program,
    testing,
};

use super::world::{SQL, World, put, schema, world};
use crate::executor::{EngineError, Executor, JobProgress};

/// Evaluates with the second chunk replaced by other bytes, which the manifest names.
async fn with_chunk(world: &World, chunk: Vec<u8>) -> Result<Vec<u8>, EngineError> {
    let mut manifest: Manifest = (*world.manifest).clone();
    let first = manifest.rollup.as_ref().expect("published").segments.len();
    let object = put(&world.store, chunk).await;
    manifest.objects[first + 1] = object;
    manifest.scan.as_mut().expect("published").chunks[1].object = object.digest;
    let program = world.program(&world.query(SQL), LayoutKind::Scan);
    let store: Arc<dyn ObjectStore> = world.store.clone();
    let executor = Executor::new(2).expect("threads");
    let progress = Arc::new(JobProgress::new());
    let evaluation = executor.evaluate(store, Arc::new(manifest), program, progress).await;
    evaluation.map(|evaluation| evaluation.outputs)
}

async fn second_chunk(world: &World) -> Vec<u8> {
    let chunk = world.manifest.scan.as_ref().expect("published").chunks[1].object;
    let found = world.store.get(&crate::executor::objects::location(&chunk)).await.expect("stored");
    found.bytes().await.expect("read").to_vec()
}

/// Where the first slice that the program reads lies in a chunk.
fn place(world: &World, chunk: &[u8]) -> Range<usize> {
    let program = world.program(&world.query(SQL), LayoutKind::Scan);
    let Program::Scan(program) = program.as_ref() else { panic!("a scan program") };
    let length = chunk.len() as u64;
    let metadata = Footer::locate(&chunk[chunk.len() - TAIL as usize..], length).expect("Parquet");
    let metadata = &chunk[metadata.start as usize..metadata.end as usize];
    let footer = Footer::read(metadata, length, program.parameter_set).expect("a chunk");
    let range = footer.range(program.slices[0]).expect("the slice");
    range.start as usize..range.end as usize
}

#[tokio::test]
async fn damage_is_noticed_where_it_shows() {
    let world = world(41).await;
    let sound = second_chunk(&world).await;
    let place = place(&world, &sound);
    let intact = with_chunk(&world, sound.clone()).await.expect("intact");

    let untrusted = |chunk: Vec<u8>| async {
        let error = with_chunk(&world, chunk).await.expect_err("damaged");
        assert!(!error.is_retryable());
        match error {
            EngineError::Fhe(
                FheError::Untrusted(error) | FheError::Source(SourceError::Untrusted(error)),
            ) => error,
            other => panic!("{other}"),
        }
    };
    // The header of its page.
    let mut chunk = sound.clone();
    chunk[place.start] ^= 0xff;
    assert!(matches!(untrusted(chunk).await, TrustError::Malformed { .. }));
    // Its coefficients: none is so large.
    let mut chunk = sound.clone();
    chunk[place.end - 100_000..place.end - 1_000].fill(0xff);
    assert!(matches!(untrusted(chunk).await, TrustError::Malformed { .. }));
    // The metadata.
    let mut chunk = sound.clone();
    let end = chunk.len();
    chunk[end - 1] = b'2';
    assert!(matches!(untrusted(chunk).await, TrustError::Malformed { .. }));
    let mut chunk = sound.clone();
    chunk[end - 400..end - 8].fill(0x5a);
    assert!(matches!(untrusted(chunk).await, TrustError::Malformed { .. }));
    // A damage that leaves a well-formed ciphertext is another result: the gate's comparison sees it.
    let mut chunk = sound.clone();
    let middle = (place.start + place.end) / 2;
    chunk[middle] ^= 1;
    assert!(with_chunk(&world, chunk).await.is_ok_and(|outputs| outputs != intact));
    assert!(with_chunk(&world, sound).await.is_ok_and(|outputs| outputs == intact));
}

#[tokio::test]
async fn a_chunk_without_a_slice_that_is_needed_is_refused_by_name() {
    let world = world(42).await;
    // The same table without its measure.
    let mut narrow = schema();
    narrow.columns[2].measure = None;
    let mut layout = layout_plan::scan(&narrow, 95);
    let full = world.manifest.scan.as_ref().expect("published");
    layout.parameter_set = full.parameter_set;
    let part = testing::table(&mut testing::sequence(42), &narrow, 10);
    let mut rng = ChaCha20Rng::seed_from_u64(42);
    let chunk = encrypt_chunk(&world.keys, &narrow, &layout, &part, &mut rng).expect("encrypted");
    let error = with_chunk(&world, chunk).await.expect_err("a slice is missing");
    let names: Vec<String> =
        full.slices().iter().map(Slice::name).map(|name| format!("slice `{name}`")).collect();
    match &error {
        EngineError::Fhe(FheError::Source(SourceError::Missing { what })) => {
            assert!(names.contains(what), "{what}")
        }
        other => panic!("{other}"),
    }
    assert!(!error.is_retryable());
}
