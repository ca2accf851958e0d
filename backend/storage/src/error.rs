//! What can go wrong, precisely enough to be told to a client.

use sea_orm::{DbErr, RuntimeErr, sqlx};
use sordino_domain::{
    jobs::JobError,
    ledger::{HoldError, LedgerError},
    listings::ListingError,
    models::ModelError,
    quotes::QuoteError,
    releases::DecisionError,
};
use sordino_protocol::{
    canonical::CanonicalError,
    digest::Digest,
    money::{Amount, Currency},
};

/// Why an operation did not happen. Nothing was changed, unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no such thing, or it is somebody else's.
    #[error("no {kind} {id}")]
    NotFound {
        /// What was sought.
        kind: &'static str,
        /// By which id.
        id: String,
    },
    /// It exists already, or is in another state.
    #[error("{kind} {id}: {reason}")]
    Conflict {
        /// What it is about.
        kind: &'static str,
        /// Its id.
        id: String,
        /// What is in the way.
        reason: &'static str,
    },
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request: choose a new key")]
    IdempotencyMismatch,
    /// The quote cannot be accepted.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The prepaid balance is too small.
    #[error("{needed} {currency} needed, {available} {currency} available")]
    InsufficientBalance {
        /// The price.
        needed: Amount,
        /// The prepaid balance.
        available: Amount,
        /// Of both.
        currency: Currency,
    },
    /// The job does not move.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The hold was resolved before.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// The listing does not change.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// The model is not offered, or does not predict.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The gate's decision does not count.
    #[error(transparent)]
    Decision(#[from] DecisionError),
    /// Entries that are no transaction.
    #[error(transparent)]
    LedgerRule(#[from] LedgerError),
    /// The bytes are not what their name says.
    #[error("the bytes have digest {actual}, expected {expected}")]
    DigestMismatch {
        /// The name.
        expected: Digest,
        /// What the bytes have.
        actual: Digest,
    },
    /// The manifest states another length than the object has.
    #[error("object {object} has {stored} bytes, the manifest states {stated}")]
    LengthMismatch {
        /// Which.
        object: Digest,
        /// By the manifest.
        stated: u64,
        /// In truth.
        stored: u64,
    },
    /// The object is larger than allowed.
    #[error("the object is larger than {limit} bytes")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// Objects must be uploaded first.
    #[error("{} objects are missing, the first is {}", .0.len(), .0.first().map_or_else(String::new, Digest::to_string))]
    MissingObjects(Vec<Digest>),
    /// The range lies outside the object.
    #[error("the range lies outside the object of {size} bytes")]
    RangeNotSatisfiable {
        /// Bytes of the object.
        size: u64,
    },
    /// The sender stopped in the middle.
    #[error("the upload was interrupted: {reason}")]
    UploadInterrupted {
        /// What the sender's stream said.
        reason: String,
    },
    /// The disk, or the account at the object store, is full.
    #[error("no space is left to store this")]
    StorageFull,
    /// Others were writing all the time; the same may succeed later.
    #[error("the database was busy in {attempts} attempts: try again")]
    Busy {
        /// How often it was tried.
        attempts: u32,
    },
    /// There is no connection to the database; the same may succeed later.
    #[error("the database cannot be reached")]
    Unavailable(#[source] DbErr),
    /// A row that cannot be what it is.
    #[error("table {table}, row {id}: column {column} cannot be read")]
    BadRow {
        /// Its table.
        table: &'static str,
        /// Its column.
        column: &'static str,
        /// Its primary key.
        id: String,
    },
    /// A statement changed more or fewer rows than it must.
    #[error("table {table}, row {id}: {affected} rows changed, expected {expected}")]
    RowCount {
        /// Its table.
        table: &'static str,
        /// Its primary key.
        id: String,
        /// Rows that should have changed.
        expected: u64,
        /// Rows that did.
        affected: u64,
    },
    /// A number does not fit into the database.
    #[error("{what} {value} does not fit into the database")]
    OutOfRange {
        /// What it counts.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A value cannot be written as JSON.
    #[error("{what} cannot be written as JSON")]
    Encode {
        /// Which value.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A value has no digest.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Any other error of the database.
    #[error("the database failed")]
    Db(#[source] DbErr),
    /// Any other error of the object store.
    #[error("the object store failed")]
    Object(#[source] object_store::Error),
    /// A file of the object store could not be made durable.
    #[error("an object could not be written to disk")]
    Sync(#[source] std::io::Error),
    /// The address of the database is of a kind we do not know.
    #[error("`{scheme}` is no database we know: expected sqlite: with a file, or postgres:")]
    UnsupportedDatabase {
        /// Its beginning.
        scheme: String,
    },
}

impl StorageError {
    /// Whether the same request may succeed later, unchanged.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Unavailable(_) | Self::StorageFull | Self::UploadInterrupted { .. }
        )
    }

    pub(crate) fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub(crate) fn conflict(kind: &'static str, id: impl ToString, reason: &'static str) -> Self {
        Self::Conflict { kind, id: id.to_string(), reason }
    }
}

/// What an error of the database means to us.
enum Meaning {
    Contended,
    Full,
    Unreachable,
    Other,
}

impl From<DbErr> for StorageError {
    fn from(error: DbErr) -> Self {
        match meaning(&error) {
            Meaning::Contended => Self::Busy { attempts: 1 },
            Meaning::Full => Self::StorageFull,
            Meaning::Unreachable => Self::Unavailable(error),
            Meaning::Other => Self::Db(error),
        }
    }
}

fn meaning(error: &DbErr) -> Meaning {
    match error {
        DbErr::ConnectionAcquire(_) => Meaning::Unreachable,
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => match error.as_ref() {
            sqlx::Error::Database(error) => by_code(error.as_ref()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Meaning::Unreachable,
            _ => Meaning::Other,
        },
        _ => Meaning::Other,
    }
}

fn by_code(error: &dyn sqlx::error::DatabaseError) -> Meaning {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The low byte is the primary result code: 5 busy, 6 locked, 13 full.
        return match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => Meaning::Contended,
            Ok(13) => Meaning::Full,
            _ => Meaning::Other,
        };
    }
    match code.as_ref() {
        // Serialisation failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => Meaning::Contended,
        "53100" => Meaning::Full,
        // Too many connections, shutting down, starting up, and class 08, connection exceptions.
        "53300" | "57P01" | "57P02" | "57P03" => Meaning::Unreachable,
        code if code.starts_with("08") => Meaning::Unreachable,
        _ => Meaning::Other,
    }
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        if is_full(&error) { Self::StorageFull } else { Self::Object(error) }
    }
}

/// Whether somewhere below is the operating system's word that the disk or the quota is exhausted.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind;
    let full = error.downcast_ref::<std::io::Error>().is_some_and(|error| {
        matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
    });
    full || error.source().is_some_and(is_full)
}
