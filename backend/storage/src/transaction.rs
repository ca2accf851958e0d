//! Transactions that write: begun as writers, tried again when others were in the way, and given up after
//! a while.

use std::{future::Future, sync::Arc, time::Duration};

use sea_orm::{
    AccessMode, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use crate::{connection::Storage, error::StorageError};

/// How often a transaction is tried.
const MAX_ATTEMPTS: u32 = 5;
/// The pause after the first attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// An open transaction, shared with the work that is done in it.
pub(crate) type Tx = Arc<DatabaseTransaction>;

impl Storage {
    /// Does `work` in one transaction: all of it, or nothing. `work` may run several times.
    ///
    /// On SQLite the transaction takes the write lock at once (`BEGIN IMMEDIATE`): one that reads first and
    /// writes later would fail when another has written in between, and waiting would not help it.
    pub(crate) async fn write<T, F, Fut>(&self, work: F) -> Result<T, StorageError>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, StorageError>>,
    {
        let mut pause = FIRST_PAUSE;
        for attempts in 1..=MAX_ATTEMPTS {
            match self.attempt(&work).await {
                Err(StorageError::Busy { .. }) if attempts < MAX_ATTEMPTS => {
                    tracing::debug!(attempts, pause_ms = pause.as_millis(), "the database is busy");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(StorageError::Busy { .. }) => break,
                outcome => return outcome,
            }
        }
        Err(StorageError::Busy { attempts: MAX_ATTEMPTS })
    }

    async fn attempt<T, F, Fut>(&self, work: &F) -> Result<T, StorageError>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, StorageError>>,
    {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let tx = Arc::new(self.writer().begin_with_options(options).await?);
        let outcome = work(Arc::clone(&tx)).await;
        // The work has ended and dropped its share. Were one kept, dropping ours would roll back.
        let Some(tx) = Arc::into_inner(tx) else { return Err(StorageError::Busy { attempts: 1 }) };
        match outcome {
            Ok(value) => {
                tx.commit().await?;
                Ok(value)
            }
            Err(error) => {
                // The caller wants the cause; a connection that cannot roll back is closed by the pool.
                if let Err(leftover) = tx.rollback().await {
                    tracing::warn!(error = %leftover, "a transaction could not be rolled back");
                }
                Err(error)
            }
        }
    }

    /// A transaction that only reads, and sees one state of the database however long it takes.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction, StorageError> {
        let reader = self.reader();
        Ok(match reader.get_database_backend() {
            DbBackend::Sqlite => reader.begin().await?,
            _ => {
                let isolation = Some(IsolationLevel::RepeatableRead);
                reader.begin_with_config(isolation, Some(AccessMode::ReadOnly)).await?
            }
        })
    }
}
