//! Idempotency keys: a client that does not know whether its request arrived sends it again, with the same
//! key, and the work is not done twice.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait, sea_query::OnConflict};
use sordino_protocol::{digest::Digest, ids::AccountId};

use crate::{
    error::StorageError,
    rows::idempotency_keys::{ActiveModel, Column, Entity},
    words::{Place, instant},
};

/// The most bytes of a key.
pub const MAX_LENGTH: usize = 128;

/// A client's name for one request; it is the account's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an idempotency key: expected 1 to {MAX_LENGTH} visible ASCII characters")]
pub struct IdempotencyKeyError;

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(text: &str) -> Result<Self, IdempotencyKeyError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let fits = (1..=MAX_LENGTH).contains(&text.len());
        if visible && fits { Ok(Self(text.to_owned())) } else { Err(IdempotencyKeyError) }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request under its key.
pub(crate) struct Request<'a> {
    pub(crate) account: AccountId,
    pub(crate) key: &'a IdempotencyKey,
    pub(crate) digest: Digest,
}

/// Whether a request is seen for the first time.
pub(crate) enum Seen {
    /// Yes: do it. The outcome is recorded already, and goes away with the transaction if that fails.
    First,
    /// No: this came of it.
    Before(String),
}

/// Records that `request` is done in this transaction, and what comes of it. Of two at the same time, the
/// second waits here until the first has committed.
pub(crate) async fn claim(
    tx: &DatabaseTransaction,
    request: &Request<'_>,
    outcome: String,
    now: DateTime<Utc>,
) -> Result<Seen, StorageError> {
    let (account, key) = (request.account.to_string(), request.key.to_string());
    let row = ActiveModel {
        account: Set(account.clone()),
        idempotency_key: Set(key.clone()),
        request: Set(request.digest.to_string()),
        outcome: Set(outcome),
        created_at: Set(instant(now)),
    };
    let fresh = OnConflict::columns([Column::Account, Column::IdempotencyKey]).do_nothing().to_owned();
    if Entity::insert(row).on_conflict(fresh).exec_without_returning(tx).await? == 1 {
        return Ok(Seen::First);
    }
    let outcome = seen(tx, request).await?;
    outcome.map(Seen::Before).ok_or_else(|| StorageError::not_found("idempotency key", &key))
}

/// What came of `request`, if it was done before.
pub(crate) async fn seen<C: ConnectionTrait>(
    connection: &C,
    request: &Request<'_>,
) -> Result<Option<String>, StorageError> {
    let key = request.key.to_string();
    let row = Entity::find_by_id((request.account.to_string(), key.clone())).one(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let digest: Digest = Place { table: "idempotency_keys", id: &key }.text("request", &row.request)?;
    if digest == request.digest { Ok(Some(row.outcome)) } else { Err(StorageError::IdempotencyMismatch) }
}
