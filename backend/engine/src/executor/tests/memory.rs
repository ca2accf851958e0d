//! What is in flight is bounded by lanes and by the slices of a program, not by the chunks.

use std::sync::{Arc, atomic::Ordering};

use object_store::ObjectStore;
use sordino_fhe::scan::slice_size;
use sordino_protocol::{layout::LayoutKind, manifest::Manifest, program::Program};

use super::{
    stores::WatchedStore,
    world::{SQL, World, world},
};
use crate::executor::{EngineError, Executor, JobProgress};

/// The chunks of a manifest, over and over.
fn repeated(manifest: &Manifest, times: usize) -> Manifest {
    let mut manifest = manifest.clone();
    let first = manifest.rollup.as_ref().expect("published").segments.len();
    let scan = manifest.scan.as_mut().expect("published");
    let chunks = manifest.objects[first..first + scan.chunks.len()].to_vec();
    manifest.objects.splice(first..first + scan.chunks.len(), chunks.repeat(times));
    let chunks = scan.chunks.clone();
    scan.chunks = chunks.iter().cycle().take(times * chunks.len()).cloned().collect();
    manifest
}

struct Watched {
    result: Result<Vec<u8>, EngineError>,
    progress: Arc<JobProgress>,
    store: Arc<WatchedStore>,
}

/// Evaluates over repeated chunks; cancels before the chunk of that number is read.
async fn watched(world: &World, threads: usize, times: usize, cancel_at: Option<usize>) -> Watched {
    let executor = Executor::new(threads).expect("threads");
    let program = world.program(&world.query(SQL), LayoutKind::Scan);
    let progress = Arc::new(JobProgress::new());
    let watcher = Arc::clone(&progress);
    let before = move |reads| {
        if Some(reads) == cancel_at {
            watcher.cancel();
        }
    };
    let store = Arc::new(WatchedStore::new(Arc::clone(&world.store), Box::new(before)));
    let objects: Arc<dyn ObjectStore> = store.clone();
    let manifest = Arc::new(repeated(&world.manifest, times));
    let evaluation = executor.evaluate(objects, manifest, program, Arc::clone(&progress)).await;
    Watched { result: evaluation.map(|evaluation| evaluation.outputs), progress, store }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_in_flight_are_those_of_as_many_chunks_as_lanes() {
    let world = world(31).await;
    let program = world.program(&world.query(SQL), LayoutKind::Scan);
    let Program::Scan(program) = program.as_ref() else { panic!("a scan program") };
    let slice = slice_size(program.parameter_set).expect("a scan set") as usize;
    let needed = program.slices.len();
    let stored = world.manifest.scan.as_ref().expect("published").slices().len();
    assert!(needed < stored, "a part of the {stored} slices is needed");
    for (threads, times) in [(1, 4), (2, 8)] {
        let watched = watched(&world, threads, times, None).await;
        watched.result.expect("evaluated");
        assert_eq!(watched.progress.done(), watched.progress.total());
        let (chunks, seen) = (3 * times, &watched.store.seen);
        assert_eq!(seen.column_reads.load(Ordering::SeqCst), chunks);
        // A page header for each slice, and the metadata of each chunk.
        let room = 100 * needed + (16 << 10) + 100_000;
        let most = seen.most_held.load(Ordering::SeqCst);
        assert!(most >= needed * slice && most <= threads * (needed * slice + room), "{threads}: {most}");
        let read = seen.read.load(Ordering::SeqCst);
        assert!(read <= chunks * (needed * slice + room), "only the needed slices are read: {read}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_midway_it_stops_within_one_chunk_a_lane() {
    let world = world(32).await;
    for (threads, cancel_at) in [(1, 3), (2, 5), (2, 0)] {
        let watched = watched(&world, threads, 8, Some(cancel_at)).await;
        assert!(matches!(watched.result, Err(EngineError::Cancelled)), "{:?}", watched.result);
        let reads = watched.store.seen.column_reads.load(Ordering::SeqCst);
        assert!(reads <= cancel_at + threads, "{reads} chunks were read, cancelled at {cancel_at}");
        assert!(watched.progress.done() < watched.progress.total());
    }
}
