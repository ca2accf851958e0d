//! A small table, encrypted in both layouts.

use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory};
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
    merkle,
    program::Program,
    query::Query,
    release_values::{self, GroupTotals},
    schema::{Column, Domain, Measure, Schema},
    testing,
};

use crate::{
    executor::{EngineError, Executor, JobProgress, objects::location},
    planner, sql,
};

pub(super) const SQL: &str = "SELECT region, COUNT(*), COUNT(paid), SUM(paid) FROM sales \
                   WHERE age BETWEEN 22 AND 29 AND (region IS NULL OR region <> 'west') GROUP BY region";

/// Rows of each chunk; far fewer than slots.
const CHUNK_ROWS: [usize; 3] = [40, 25, 30];

/// A published table, and its owner's keys.
pub(super) struct World {
    pub(super) keys: SecretKeys,
    pub(super) table: CodedTable,
    pub(super) manifest: Arc<Manifest>,
    pub(super) store: Arc<InMemory>,
}

pub(super) fn schema() -> Schema {
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

pub(super) async fn put(store: &InMemory, bytes: Vec<u8>) -> ObjectRef {
    let object = ObjectRef { digest: Digest::of(Purpose::Object, &bytes), bytes: bytes.len() as u64 };
    store.put(&location(&object.digest), bytes.into()).await.expect("stored");
    object
}

/// Encrypts a small table in both layouts.
pub(super) async fn world(seed: u64) -> World {
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
    pub(super) fn query(&self, sql: &str) -> Query {
        let dataset = self.manifest.digest().expect("canonical");
        sql::bind(dataset, &self.manifest.schema, sql).unwrap_or_else(|error| panic!("{sql}: {error}")).query
    }

    pub(super) fn program(&self, query: &Query, layout: LayoutKind) -> Arc<Program> {
        Arc::new(planner::plan(&self.manifest, query, Some(layout)).expect("plannable").program)
    }

    pub(super) fn opened(&self, query: &Query, program: &Program, bytes: &[u8]) -> Vec<GroupTotals> {
        let outputs = Outputs::from_bytes(bytes, program).expect("outputs");
        let decrypted = outputs::decrypt(&self.keys, program, &outputs).expect("decrypted");
        release_values::combine(&self.manifest.schema, query, program, &decrypted).expect("combined")
    }

    pub(super) async fn evaluate(
        &self,
        executor: &Executor,
        program: &Arc<Program>,
    ) -> Result<Vec<u8>, EngineError> {
        let progress = Arc::new(JobProgress::new());
        let store: Arc<dyn ObjectStore> = self.store.clone();
        let (manifest, program) = (Arc::clone(&self.manifest), Arc::clone(program));
        let evaluation = executor.evaluate(store, manifest, program, Arc::clone(&progress)).await?;
        assert!(progress.total() > 0);
        assert_eq!(progress.done(), progress.total(), "progress is exact");
        Ok(evaluation.outputs)
    }
}
