//! Gates, each with one key for programs that is in force.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};
use sordino_domain::{
    api_keys::{ApiKey, ApiKeySecret},
    gates::Gate,
};
use sordino_protocol::{
    api::Scope,
    ids::{AccountId, ApiKeyId, GateId},
    signature::VerifyingKey,
};

use crate::{
    api_keys,
    connection::Storage,
    error::StorageError,
    rows::{
        api_keys::{Column as KeyColumn, Entity as KeyEntity},
        gates::{ActiveModel, Column, Entity, Model},
    },
    words::{Place, instant},
};

const TABLE: &str = "gates";

/// Gates, see [`Storage::gates`].
#[derive(Debug, Clone, Copy)]
pub struct Gates<'a>(pub(crate) &'a Storage);

/// A gate to be enrolled.
#[derive(Debug, Clone)]
pub struct NewGate {
    /// Its id, unless its key is enrolled already.
    pub id: GateId,
    /// The key it has proven to hold.
    pub key: VerifyingKey,
    /// For people.
    pub name: String,
    /// Id of its key for programs.
    pub api_key: ApiKeyId,
    /// The secret of that key, shown to its owner and not kept.
    pub secret: ApiKeySecret,
}

impl Gates<'_> {
    /// Enrols a gate. With a key that the owner has enrolled before it is the same gate, and the secret
    /// replaces the one before.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the key is another owner's gate.
    pub async fn enrol(
        self,
        owner: AccountId,
        new: NewGate,
        now: DateTime<Utc>,
    ) -> Result<Gate, StorageError> {
        let new = &new;
        self.0
            .write(|tx| async move {
                let row = ActiveModel {
                    id: Set(new.id.to_string()),
                    owner: Set(owner.to_string()),
                    signing_key: Set(new.key.to_string()),
                    name: Set(new.name.clone()),
                    created_at: Set(instant(now)),
                };
                let fresh = OnConflict::column(Column::SigningKey).do_nothing().to_owned();
                Entity::insert(row).on_conflict(fresh).exec_without_returning(tx.as_ref()).await?;
                let row = Entity::find()
                    .filter(Column::SigningKey.eq(new.key.to_string()))
                    .one(tx.as_ref())
                    .await?;
                let gate = Gate::try_from(row.ok_or_else(|| StorageError::not_found("gate", new.id))?)?;
                if gate.owner != owner {
                    return Err(StorageError::conflict(
                        "gate",
                        new.id,
                        "its key belongs to another owner's gate",
                    ));
                }
                KeyEntity::update_many()
                    .col_expr(KeyColumn::RevokedAt, instant(now).into())
                    .filter(KeyColumn::Gate.eq(gate.id.to_string()))
                    .filter(KeyColumn::RevokedAt.is_null())
                    .exec(tx.as_ref())
                    .await?;
                let key = ApiKey {
                    id: new.api_key,
                    account: owner,
                    name: gate.name.clone(),
                    scope: Scope::Gate,
                    gate: Some(gate.id),
                    prefix: new.secret.prefix().to_owned(),
                    created_at: instant(now),
                };
                api_keys::insert(&tx, &key, new.secret.hash()).await?;
                Ok(gate)
            })
            .await
    }

    /// A gate of the owner.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub async fn get(self, owner: AccountId, gate: GateId) -> Result<Gate, StorageError> {
        let row = Entity::find_by_id(gate.to_string())
            .filter(Column::Owner.eq(owner.to_string()))
            .one(self.0.reader())
            .await?;
        row.ok_or_else(|| StorageError::not_found("gate", gate))?.try_into()
    }
}

impl TryFrom<Model> for Gate {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let place = Place { table: TABLE, id: &row.id };
        Ok(Self {
            id: place.text("id", &row.id)?,
            owner: place.text("owner", &row.owner)?,
            key: place.text("signing_key", &row.signing_key)?,
            name: row.name.clone(),
            created_at: row.created_at,
        })
    }
}
