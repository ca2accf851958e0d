//! The table, encrypted into a folder as a platform would store it.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use object_store::{ObjectStore, local::LocalFileSystem};
use rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;
use sordino_fhe::{evaluation_keys, keys::SecretKeys, scan};
use sordino_protocol::{
    digest::{Digest, Purpose},
    ids::LineageId,
    layout::{Chunk, ScanLayout},
    layout_plan,
    manifest::{Manifest, ObjectRef},
    merkle,
    schema::Schema,
};

use super::{rows::Row, table};

/// An encrypted table.
pub(super) struct Dataset {
    pub(super) manifest: Arc<Manifest>,
    pub(super) objects: Arc<dyn ObjectStore>,
    /// Bytes of its scan chunks.
    pub(super) bytes: u64,
}

impl Dataset {
    /// Encrypts `rows` in layout scan, the columns that are wanted.
    pub(super) fn encrypt(
        keys: &SecretKeys,
        wanted: &BTreeSet<&str>,
        rows: &[Row],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let schema = table::schema(wanted);
        schema.validate()?;
        let mut layout = layout_plan::scan(&schema, rows.len() as u64);
        let set = layout.parameter_set;
        let slots = set.scan().map_or(1, |numbers| numbers.degree);
        let store = Store { keys, schema: &schema, layout: &layout, wanted, folder };
        let chunks: Vec<ObjectRef> =
            rows.par_chunks(slots).map(|rows| store.chunk(rows)).collect::<Result<_, _>>()?;
        let key_object = evaluation_keys::generate(keys, set, &mut StdRng::from_os_rng())?;
        let evaluation_keys = write(folder, &key_object)?;
        let chunk_rows = rows.chunks(slots).map(|rows| rows.len() as u64);
        layout.chunks = chunks
            .iter()
            .zip(chunk_rows)
            .map(|(object, rows)| Chunk { object: object.digest, rows })
            .collect();
        layout.evaluation_keys = evaluation_keys.digest;
        let bytes = chunks.iter().map(|object| object.bytes).sum();
        let objects: Vec<_> = chunks.into_iter().chain([evaluation_keys]).collect();
        let digests: Vec<Digest> = objects.iter().map(|object| object.digest).collect();
        let manifest = Manifest {
            lineage: LineageId::new(uuid::Uuid::nil()),
            version: 1,
            previous: None,
            schema,
            rows: rows.len() as u64,
            rollup: None,
            scan: Some(layout),
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
    layout: &'a ScanLayout,
    wanted: &'a BTreeSet<&'a str>,
    folder: &'a Path,
}

impl Store<'_> {
    fn chunk(&self, rows: &[Row]) -> anyhow::Result<ObjectRef> {
        let coded = table::encode(self.schema, self.wanted, rows)?;
        let mut rng = StdRng::from_os_rng();
        let object = scan::encrypt_chunk(self.keys, self.schema, self.layout, &coded, &mut rng)?;
        write(self.folder, &object)
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
