//! However chunks are spread over lanes and partial results handed over, the outputs are those of an
//! evaluation one chunk after the other, as a gate does it, to the bit.

use std::sync::Arc;

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt};
use sordino_fhe::{
    progress::Silent,
    scan::{ChunkReader, Evaluator},
};
use sordino_protocol::{
    digest::{Digest, Purpose},
    layout::LayoutKind,
    program::Program,
};

use super::world::{SQL, World, world};
use crate::executor::{Executor, Handover, JobProgress, objects::location};

async fn stored(world: &World, digest: &Digest) -> Bytes {
    let found = world.store.get(&location(digest)).await.expect("stored");
    found.bytes().await.expect("read")
}

/// One chunk after the other.
async fn sequential(world: &World, program: &Program) -> Vec<u8> {
    let layout = world.manifest.scan.as_ref().expect("published");
    let Program::Scan(program) = program else { panic!("a scan program") };
    let set = layout.parameter_set;
    let evaluator = Evaluator::new(set, &stored(world, &layout.evaluation_keys).await).expect("keys");
    let mut sum = None;
    for chunk in &layout.chunks {
        let reader = ChunkReader::new(stored(world, &chunk.object).await, set).expect("a chunk");
        let partial = evaluator.evaluate_chunk(program, &reader, &Silent).expect("evaluated");
        match &mut sum {
            None => sum = Some(partial),
            Some(sum) => evaluator.merge(sum, partial, &Silent).expect("merged"),
        }
    }
    evaluator.finish(program, sum.expect("chunks"), &Silent).expect("finished").to_bytes()
}

#[tokio::test]
async fn outputs_are_those_of_a_sequential_evaluation() {
    let world = world(21).await;
    for sql in [SQL, "SELECT COUNT(*) FROM sales", "SELECT SUM(paid) FROM sales WHERE age > 25"] {
        let program = world.program(&world.query(sql), LayoutKind::Scan);
        let expected = sequential(&world, &program).await;
        for threads in 1..=4 {
            let executor = Executor::new(threads).expect("threads");
            for handover in [Handover::default(), Handover::Words] {
                let form = format!("{threads} threads, {handover:?}: {sql}");
                let store: Arc<dyn ObjectStore> = world.store.clone();
                let progress = Arc::new(JobProgress::new());
                let evaluation = executor
                    .evaluate_with(
                        store,
                        Arc::clone(&world.manifest),
                        Arc::clone(&program),
                        Arc::clone(&progress),
                        handover,
                    )
                    .await;
                let outputs = evaluation.unwrap_or_else(|error| panic!("{form}: {error}")).outputs;
                assert!(outputs == expected, "{form}");
                assert_eq!(Digest::of(Purpose::Object, &outputs), Digest::of(Purpose::Object, &expected));
                assert_eq!((progress.done(), progress.done() > 0), (progress.total(), true), "{form}");
            }
        }
    }
}
