//! Connecting: one writer and several readers on SQLite, one pool on PostgreSQL.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use object_store::ObjectStore;
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection,
    sqlx::{
        Connection,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::{
    accounts::Accounts, api_keys::ApiKeys, client_keys::AllClientKeys, error::StorageError, gates::Gates,
    jobs::Jobs, ledger::Ledger, listings::Listings, meta::Meta, models::Models, objects::Objects,
    outbox::Outbox, predictions::Predictions, quotes::Quotes, releases::Releases,
};

/// How often opening is tried, and the pause between.
const OPEN_ATTEMPTS: u32 = 20;
const OPEN_PAUSE: Duration = Duration::from_millis(100);

/// Where the database is and how patient to be with it.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// `sqlite://FILE?mode=rwc` or `postgres://…`.
    pub url: String,
    /// Connections of the pool; on SQLite those that read.
    pub max_connections: u32,
    /// How long to wait for the writer before us, on SQLite, or for a row lock, on PostgreSQL.
    pub busy_timeout: Duration,
    /// How long to wait for a connection of the pool.
    pub acquire_timeout: Duration,
}

/// The platform's memory. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    write: DatabaseConnection,
    read: DatabaseConnection,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) synced: Option<Arc<PathBuf>>,
}

impl Storage {
    /// Connects to the database; objects are in `objects`.
    ///
    /// # Errors
    /// When the address is of an unknown kind, or nothing answers there.
    pub async fn connect(
        config: &DatabaseConfig,
        objects: Arc<dyn ObjectStore>,
    ) -> Result<Self, StorageError> {
        let (write, read) = match config.url.split_once(':') {
            Some(("sqlite", rest)) if !rest.contains(":memory:") && !rest.contains("mode=memory") => {
                // One writer: tasks of this process queue for the connection instead of for the lock. The
                // file is made by the writer, so it comes first.
                let write = open(sqlite(config, 1)).await?;
                let read = open(sqlite(config, config.max_connections)).await?;
                (write, read)
            }
            Some(("postgres" | "postgresql", _)) => {
                let pool = open(postgres(config)).await?;
                (pool.clone(), pool)
            }
            _ => {
                let scheme = config.url.chars().take_while(|c| *c != '/').take(20).collect();
                return Err(StorageError::UnsupportedDatabase { scheme });
            }
        };
        Ok(Self { write, read, objects, synced: None })
    }

    /// Makes every object durable with `fsync` before a row says that it is there. `root` is the folder of
    /// the local object store; stores that are not local are durable by themselves.
    #[must_use]
    pub fn with_synced_folder(mut self, root: PathBuf) -> Self {
        self.synced = Some(Arc::new(root));
        self
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.read.ping().await?;
        Ok(self.write.ping().await?)
    }

    /// Where the objects are.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    /// Accounts.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }
    /// Keys for programs.
    pub fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys(self)
    }
    /// Gates.
    pub fn gates(&self) -> Gates<'_> {
        Gates(self)
    }
    /// Objects and who owns them.
    pub fn objects(&self) -> Objects<'_> {
        Objects(self)
    }
    /// Listings and dataset versions.
    pub fn listings(&self) -> Listings<'_> {
        Listings(self)
    }
    /// Quotes.
    pub fn quotes(&self) -> Quotes<'_> {
        Quotes(self)
    }
    /// Jobs, for buyers and workers.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }
    /// Releases, for gates.
    pub fn releases(&self) -> Releases<'_> {
        Releases(self)
    }
    /// Models for sale.
    pub fn models(&self) -> Models<'_> {
        Models(self)
    }
    /// Keys that clients registered.
    pub fn client_keys(&self) -> AllClientKeys<'_> {
        AllClientKeys(self)
    }
    /// Predictions that were paid.
    pub fn predictions(&self) -> Predictions<'_> {
        Predictions(self)
    }
    /// Money.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger(self)
    }
    /// Events to be told to those who wait.
    pub fn outbox(&self) -> Outbox<'_> {
        Outbox(self)
    }
    /// What a database is told once.
    pub fn meta(&self) -> Meta<'_> {
        Meta(self)
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.read
    }
    pub(crate) fn writer(&self) -> &DatabaseConnection {
        &self.write
    }
}

/// Opens a pool. While another process turns a new SQLite file to WAL, opening it fails as busy whatever the
/// timeout; that passes.
async fn open(options: ConnectOptions) -> Result<DatabaseConnection, StorageError> {
    for _ in 1..OPEN_ATTEMPTS {
        match Database::connect(options.clone()).await.map_err(StorageError::from) {
            Err(StorageError::Busy { .. }) => tokio::time::sleep(OPEN_PAUSE).await,
            outcome => return outcome,
        }
    }
    Ok(Database::connect(options).await?)
}

fn options(config: &DatabaseConfig, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(&config.url);
    options
        .max_connections(connections.max(1))
        .acquire_timeout(config.acquire_timeout)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

fn sqlite(config: &DatabaseConfig, connections: u32) -> ConnectOptions {
    let mut options = options(config, connections);
    let patience = config.busy_timeout;
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(patience)
    });
    // On a full disk SQLite ends a transaction by itself, and the ROLLBACK that follows fails. sqlx then
    // believes the connection to be in a transaction for ever, and what is written on it later is never
    // committed: such a connection must not be used again. The ping lets a queued ROLLBACK go first.
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
    });
    options
}

fn postgres(config: &DatabaseConfig) -> ConnectOptions {
    let mut options = options(config, config.max_connections);
    let patience = format!("{}ms", config.busy_timeout.as_millis());
    options.map_sqlx_postgres_opts(move |postgres| {
        postgres.application_name("sordino").options([("lock_timeout", patience.as_str())])
    });
    options
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: "sqlite://sordino.sqlite?mode=rwc".to_owned(),
            max_connections: 8,
            busy_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("DatabaseConfig")
            .field("max_connections", &self.max_connections)
            .field("busy_timeout", &self.busy_timeout)
            .field("acquire_timeout", &self.acquire_timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("objects", &self.objects).finish_non_exhaustive()
    }
}
