//! Keys that clients registered to have their inputs evaluated. The bytes are an object of the account;
//! a row here says that they were read and accepted.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};
use sordino_protocol::{api::models::ClientKeys, digest::Digest, ids::AccountId, parameters::ParameterSet};

use crate::{
    connection::Storage,
    error::StorageError,
    objects,
    rows::client_keys::{ActiveModel, Column, Entity, Model},
    words::{Place, count, instant},
};

/// Keys of clients, see [`Storage::client_keys`].
#[derive(Debug, Clone, Copy)]
pub struct AllClientKeys<'a>(pub(crate) &'a Storage);

impl AllClientKeys<'_> {
    /// Registers an object of the account as its keys. Repeated, it is the same.
    ///
    /// # Errors
    /// [`StorageError::MissingObjects`] when the account has not stored the bytes.
    pub async fn register(
        self,
        account: AccountId,
        digest: Digest,
        set: ParameterSet,
        now: DateTime<Utc>,
    ) -> Result<ClientKeys, StorageError> {
        self.0
            .write(|tx| async move {
                let bytes = objects::size(tx.as_ref(), account, digest).await?;
                let bytes = bytes.ok_or_else(|| StorageError::MissingObjects(vec![digest]))?;
                let row = ActiveModel {
                    account: Set(account.to_string()),
                    digest: Set(digest.to_string()),
                    parameter_set: Set(set.to_string()),
                    bytes: Set(count("bytes", bytes)?),
                    created_at: Set(instant(now)),
                };
                let fresh = OnConflict::columns([Column::Account, Column::Digest]).do_nothing().to_owned();
                Entity::insert(row).on_conflict(fresh).exec_without_returning(tx.as_ref()).await?;
                find(tx.as_ref(), account, digest).await
            })
            .await
    }

    /// Keys of the account.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when it has not registered them.
    pub async fn get(self, account: AccountId, digest: Digest) -> Result<ClientKeys, StorageError> {
        find(self.0.reader(), account, digest).await
    }
}

async fn find<C: sea_orm::ConnectionTrait>(
    connection: &C,
    account: AccountId,
    digest: Digest,
) -> Result<ClientKeys, StorageError> {
    let row = Entity::find()
        .filter(Column::Account.eq(account.to_string()))
        .filter(Column::Digest.eq(digest.to_string()))
        .one(connection)
        .await?;
    row.ok_or_else(|| StorageError::not_found("client keys", digest))?.try_into()
}

impl TryFrom<Model> for ClientKeys {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let place = Place { table: "client_keys", id: &row.digest };
        Ok(Self {
            digest: place.text("digest", &row.digest)?,
            parameter_set: place.text("parameter_set", &row.parameter_set)?,
            bytes: place.count("bytes", row.bytes)?,
            created_at: row.created_at,
        })
    }
}
