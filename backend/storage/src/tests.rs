//! Tests on real databases, through the real migrations: each runs on SQLite in a file and on PostgreSQL.

mod accounts;
mod appending;
mod catalogue;
mod faults;
mod interleavings;
mod jobs;
mod models;
mod money;
mod objects;
mod postgres;
mod predictions;
mod world;

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use object_store::local::LocalFileSystem;

use crate::{DatabaseConfig, Storage};

/// An empty database with an empty object store.
pub(super) struct TestDb {
    pub(super) storage: Storage,
    pub(super) config: DatabaseConfig,
    pub(super) folder: PathBuf,
}

impl TestDb {
    async fn new(url: String, folder: &Path) -> Self {
        let config = DatabaseConfig { url, ..DatabaseConfig::default() };
        // Two servers that start at the same time, on a database that is not there yet.
        let (storage, other) = tokio::join!(connect(&config, folder), connect(&config, folder));
        let (first, second) = tokio::join!(storage.migrate(), other.migrate());
        first.and(second).expect("migrated");
        other.migrate().await.expect("migrated once more, which does nothing");
        Self { storage, config, folder: folder.to_owned() }
    }

    /// The same database as another process would see it, or this one after a crash.
    pub(super) async fn again(&self) -> Storage {
        connect(&self.config, &self.folder).await
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.config.url.starts_with("sqlite:")
    }
}

async fn connect(config: &DatabaseConfig, folder: &Path) -> Storage {
    let objects = folder.join("store");
    std::fs::create_dir_all(&objects).expect("a folder");
    let store = LocalFileSystem::new_with_prefix(&objects).expect("a store");
    Storage::connect(config, Arc::new(store)).await.expect("connected").with_synced_folder(objects)
}

/// Runs a test on each database.
pub(super) fn on_each<F, Fut>(test: F)
where
    F: Fn(TestDb) -> Fut,
    Fut: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}/db.sqlite?mode=rwc", folder.path().display());
        test(TestDb::new(url, folder.path()).await).await;
        if let Some(url) = postgres::new_database().await {
            let folder = tempfile::tempdir().expect("a temporary folder");
            test(TestDb::new(url, folder.path()).await).await;
        }
    });
}
