//! The table, encrypted into a folder as a platform would store it.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use object_store::{ObjectStore, local::LocalFileSystem};
use rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;
use sordino_fhe::{evaluation_keys, keys::SecretKeys, rollup::Aggregator, scan};
use sordino_protocol::{
    coded::CodedTable,
    digest::{Digest, Purpose},
    ids::LineageId,
    layout::{Chunk, RollupLayout, ScanLayout},
    layout_plan::{self, Budget, RollupBudget},
    manifest::{Manifest, ObjectRef},
    merkle,
    parameters::SCAN_16K_V1,
    schema::Schema,
};

use super::{rows::Row, table};

/// Bytes of upload that a row may take: the design's aim for all columns of the four queries.
pub(in crate::bench) const MAX_ROW_BYTES: u64 = 6_144;

/// An encrypted table.
pub(super) struct Dataset {
    pub(super) manifest: Arc<Manifest>,
    pub(super) objects: Arc<dyn ObjectStore>,
    /// Bytes of all objects.
    pub(super) bytes: u64,
}

/// The layouts that `sordino publish` would choose for a table, within [`MAX_ROW_BYTES`] for every row
/// that its chunks have room for: a padded chunk costs as much as a full one.
pub(super) fn plan(schema: &Schema, rows: u64) -> anyhow::Result<layout_plan::Publication> {
    let room = rows.next_multiple_of(SCAN_16K_V1.degree as u64);
    let max_upload = Some(room.saturating_mul(MAX_ROW_BYTES));
    let budget = Budget { max_upload, rollup: Some(RollupBudget::default()), scan: true, score: false };
    Ok(layout_plan::publication(schema, rows, &budget)?)
}

impl Dataset {
    /// Encrypts the columns that are wanted of `rows`, as `sordino publish` would.
    pub(super) fn encrypt(
        keys: &SecretKeys,
        wanted: &BTreeSet<&str>,
        rows: &[Row],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let schema = table::schema(wanted);
        schema.validate()?;
        let layout_plan::Publication { rollup, scan, .. } = plan(&schema, rows.len() as u64)?;
        let coded = table::encode(&schema, wanted, rows)?;
        let store = Store { keys, schema: &schema, folder };
        let mut objects = Vec::new();
        let rollup = rollup.map(|layout| store.rollup(layout, &coded, &mut objects)).transpose()?;
        drop(coded);
        let scan = scan.map(|layout| store.scan(layout, wanted, rows, &mut objects)).transpose()?;
        let digests: Vec<Digest> = objects.iter().map(|object| object.digest).collect();
        let bytes = objects.iter().map(|object| object.bytes).sum();
        let manifest = Manifest {
            lineage: LineageId::new(uuid::Uuid::nil()),
            version: 1,
            previous: None,
            schema,
            rows: rows.len() as u64,
            rollup,
            scan,
            score: None,
            sandbox: None,
            root: merkle::root(&digests),
            objects,
        };
        manifest.validate()?;
        let objects = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
        Ok(Self { manifest: Arc::new(manifest), objects, bytes })
    }
}

struct Store<'a> {
    keys: &'a SecretKeys,
    schema: &'a Schema,
    folder: &'a Path,
}

impl Store<'_> {
    /// Aggregates and encrypts the cells; adds their objects.
    fn rollup(
        &self,
        mut layout: RollupLayout,
        table: &CodedTable,
        objects: &mut Vec<ObjectRef>,
    ) -> anyhow::Result<RollupLayout> {
        let mut aggregator = Aggregator::new(self.schema, &layout);
        aggregator.add(table);
        let encrypt = |index| {
            let segment = aggregator.encrypt_segment(index, self.keys, &mut StdRng::from_os_rng())?;
            write(self.folder, &segment)
        };
        let segments: Vec<ObjectRef> =
            (0..aggregator.segments()).into_par_iter().map(encrypt).collect::<Result<_, _>>()?;
        layout.segments = segments.iter().map(|object| object.digest).collect();
        objects.extend(segments);
        Ok(layout)
    }

    /// Encrypts the chunks and the evaluation keys; adds their objects.
    fn scan(
        &self,
        mut layout: ScanLayout,
        wanted: &BTreeSet<&str>,
        rows: &[Row],
        objects: &mut Vec<ObjectRef>,
    ) -> anyhow::Result<ScanLayout> {
        let set = layout.parameter_set;
        let slots = set.scan().map_or(1, |numbers| numbers.degree);
        let encrypt = |rows| {
            let coded = table::encode(self.schema, wanted, rows)?;
            let mut rng = StdRng::from_os_rng();
            let object = scan::encrypt_chunk(self.keys, self.schema, &layout, &coded, &mut rng)?;
            write(self.folder, &object)
        };
        let chunks: Vec<ObjectRef> = rows.par_chunks(slots).map(encrypt).collect::<Result<_, _>>()?;
        let rows = rows.chunks(slots).map(|rows| rows.len() as u64);
        layout.chunks =
            chunks.iter().zip(rows).map(|(object, rows)| Chunk { object: object.digest, rows }).collect();
        objects.extend(chunks);
        let keys = evaluation_keys::generate(self.keys, set, &mut StdRng::from_os_rng())?;
        let keys = write(self.folder, &keys)?;
        layout.evaluation_keys = keys.digest;
        objects.push(keys);
        Ok(layout)
    }
}

fn write(folder: &Path, object: &[u8]) -> anyhow::Result<ObjectRef> {
    let digest = Digest::of(Purpose::Object, object);
    let path = folder.join(sordino_domain::objects::path(&digest));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, object)?;
    Ok(ObjectRef { digest, bytes: object.len() as u64 })
}
