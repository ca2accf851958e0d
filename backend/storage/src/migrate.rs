//! Bringing the schema up to date, in one transaction, so that servers that start together do not meet
//! halfway.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::MigratorTrait;
use sordino_migrations::Migrator;

use crate::{connection::Storage, error::StorageError};

/// Names the lock that a migrating server holds on PostgreSQL. On SQLite the write lock does.
const LOCK: &str = "select pg_advisory_xact_lock(5073018)";

impl Storage {
    /// Brings the schema up to date. Of several servers that do so at once, one does and the others wait.
    ///
    /// # Errors
    /// When a migration fails; nothing has changed then.
    pub async fn migrate(&self) -> Result<(), StorageError> {
        self.write(|tx| async move {
            if tx.get_database_backend() == DbBackend::Postgres {
                tx.execute_unprepared(LOCK).await?;
            }
            Ok(Migrator::up(tx.as_ref(), None).await?)
        })
        .await
    }
}
