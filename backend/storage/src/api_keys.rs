//! Keys for programs. The secret is never stored; its hash and its public prefix are.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};
use sordino_domain::api_keys::{ApiKey, ApiKeyHash, ApiKeySecret, Principal};
use sordino_protocol::{
    api::Scope,
    ids::{AccountId, ApiKeyId},
};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::{
        accounts,
        api_keys::{ActiveModel, Column, Entity, Model},
    },
    words::{Place, expect_rows, instant, word},
};

const TABLE: &str = "api_keys";

/// Keys for programs, see [`Storage::api_keys`].
#[derive(Debug, Clone, Copy)]
pub struct ApiKeys<'a>(pub(crate) &'a Storage);

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// What it may do. Keys of gates are made by enrolling one.
    pub scope: Scope,
    /// Shown to its owner, and not kept.
    pub secret: ApiKeySecret,
}

impl ApiKeys<'_> {
    /// Makes a key.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] for [`Scope::Gate`], whose keys belong to a gate.
    pub async fn create(
        self,
        account: AccountId,
        new: NewApiKey,
        now: DateTime<Utc>,
    ) -> Result<ApiKey, StorageError> {
        if new.scope == Scope::Gate {
            return Err(StorageError::conflict(
                "api key",
                new.id,
                "a gate's key is made by enrolling the gate",
            ));
        }
        let key = ApiKey {
            id: new.id,
            account,
            name: new.name,
            scope: new.scope,
            gate: None,
            prefix: new.secret.prefix().to_owned(),
            created_at: instant(now),
        };
        let (key, hash) = (&key, new.secret.hash());
        self.0.write(|tx| async move { insert(&tx, key, hash).await }).await?;
        Ok(key.clone())
    }

    /// The account's keys that are in force, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(self, account: AccountId) -> Result<Vec<ApiKey>, StorageError> {
        let rows = Entity::find()
            .filter(Column::Account.eq(account.to_string()))
            .filter(Column::RevokedAt.is_null())
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .all(self.0.reader())
            .await?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// Ends a key.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when the account has no such key in force.
    pub async fn revoke(
        self,
        account: AccountId,
        key: ApiKeyId,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.0
            .write(|tx| async move {
                let changed = Entity::update_many()
                    .col_expr(Column::RevokedAt, instant(now).into())
                    .filter(Column::Id.eq(key.to_string()))
                    .filter(Column::Account.eq(account.to_string()))
                    .filter(Column::RevokedAt.is_null())
                    .exec(tx.as_ref())
                    .await?;
                match changed.rows_affected {
                    0 => Err(StorageError::not_found("api key", key)),
                    affected => expect_rows(TABLE, key, 1, affected),
                }
            })
            .await
    }

    /// Whom a presented key speaks for, if it is in force.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn authenticate(self, presented: &ApiKeySecret) -> Result<Option<Principal>, StorageError> {
        let row = Entity::find()
            .filter(Column::Prefix.eq(presented.prefix()))
            .filter(Column::RevokedAt.is_null())
            .one(self.0.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let hash: ApiKeyHash = Place { table: TABLE, id: &row.id }.text("hash", &row.hash)?;
        if !hash.matches(presented) {
            return Ok(None);
        }
        let key = ApiKey::try_from(row)?;
        let account = accounts::Entity::find_by_id(key.account.to_string()).one(self.0.reader()).await?;
        let account = account.ok_or_else(|| StorageError::not_found("account", key.account))?;
        let role = Place { table: "accounts", id: &account.id }.word("role", &account.role)?;
        Ok(Some(Principal { account: key.account, role, key: key.id, scope: key.scope, gate: key.gate }))
    }
}

/// Writes a key.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    key: &ApiKey,
    hash: ApiKeyHash,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(key.id.to_string()),
        account: Set(key.account.to_string()),
        name: Set(key.name.clone()),
        scope: Set(word("scope", &key.scope)?),
        gate: Set(key.gate.map(|gate| gate.to_string())),
        prefix: Set(key.prefix.clone()),
        hash: Set(hash.to_string()),
        created_at: Set(key.created_at),
        revoked_at: Set(None),
    };
    let inserted = Entity::insert(row).exec_without_returning(tx).await?;
    expect_rows(TABLE, key.id, 1, inserted)
}

impl TryFrom<Model> for ApiKey {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let place = Place { table: TABLE, id: &row.id };
        Ok(Self {
            id: place.text("id", &row.id)?,
            account: place.text("account", &row.account)?,
            name: row.name.clone(),
            scope: place.word("scope", &row.scope)?,
            gate: row.gate.as_deref().map(|gate| place.text("gate", gate)).transpose()?,
            prefix: row.prefix.clone(),
            created_at: row.created_at,
        })
    }
}
