//! What server and worker share: the database, the objects and the platform's secrets.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use object_store::local::LocalFileSystem;
use sordino_storage::{DatabaseConfig, Storage};
use sordino_web::{Clock, SystemClock};

use crate::{Config, secrets::Secrets};

/// Everything that lasts, opened.
pub struct Platform {
    /// The database and the objects.
    pub storage: Storage,
    /// The platform's own secrets.
    pub secrets: Secrets,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Platform {
    /// Opens everything, and brings the database up to date.
    ///
    /// # Errors
    /// When a folder cannot be made, the database does not answer, or it belongs to another platform key.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        make_folder(&config.server.data_dir)?;
        let secrets = Secrets::load_or_create(&config.server.data_dir)?;
        let storage = storage(config).await?;
        storage.migrate().await.context("bringing the database up to date")?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let key = secrets.platform.verifying_key().to_string();
        let pinned = storage.meta().pin("platform_key", &key, clock.now()).await?;
        anyhow::ensure!(
            pinned == key,
            "the database belongs to the platform key {pinned}, but the data folder holds {key}: use the \
             secrets folder that belongs to this database"
        );
        Ok(Self { storage, secrets, clock })
    }
}

/// Connects to the database without changing it.
///
/// # Errors
/// When a folder cannot be made or the database does not answer.
pub async fn storage(config: &Config) -> anyhow::Result<Storage> {
    let folder = config.objects_folder();
    make_folder(&config.server.data_dir)?;
    make_folder(&folder)?;
    let objects = LocalFileSystem::new_with_prefix(&folder)
        .with_context(|| format!("opening the folder of objects {}", folder.display()))?;
    let mut database = DatabaseConfig { url: config.database_url(), ..DatabaseConfig::default() };
    if config.database.max_connections > 0 {
        database.max_connections = config.database.max_connections;
    }
    let storage =
        Storage::connect(&database, Arc::new(objects)).await.context("connecting to the database")?;
    Ok(storage.with_synced_folder(folder))
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))
}
