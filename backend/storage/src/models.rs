//! Models for sale. What a model is made of is an object of its vendor; here is what is told of it.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::OnConflict,
};
use sordino_domain::{
    listings::check_text,
    models::{ModelError, check_quota},
};
use sordino_protocol::{
    api::{ListingState, models::ModelListing},
    digest::Digest,
    ids::{AccountId, ModelId},
};

use crate::{
    connection::Storage,
    error::StorageError,
    objects,
    rows::models::{ActiveModel, Column, Entity, Model},
    words::{Place, expect_rows, instant, json, word},
};

const TABLE: &str = "models";

/// Models for sale, see [`Storage::models`].
#[derive(Debug, Clone, Copy)]
pub struct Models<'a>(pub(crate) &'a Storage);

/// A model to be offered.
#[derive(Debug, Clone)]
pub struct NewModel {
    /// What everybody may see of it, its id, vendor and time included.
    pub listing: ModelListing,
    /// The vendor's object with all that nobody may see.
    pub artefact: Digest,
    /// Digest of the request, to tell a repeated one.
    pub request: Digest,
}

/// A model with what the platform needs to evaluate it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModel {
    /// What everybody may see.
    pub listing: ModelListing,
    /// The vendor's object with the rest.
    pub artefact: Digest,
}

impl Models<'_> {
    /// Offers a model. The same request again returns the listing that came of it.
    ///
    /// # Errors
    /// [`StorageError::Listing`] for a title or description, [`StorageError::Model`] for a quota, and
    /// [`StorageError::MissingObjects`] when the artefact is not there.
    pub async fn publish(self, new: NewModel) -> Result<ModelListing, StorageError> {
        let NewModel { listing, artefact, request } = &new;
        check_text(&listing.title, &listing.description)?;
        check_quota(&listing.quota)?;
        self.0
            .write(|tx| async move {
                if objects::size(tx.as_ref(), listing.vendor, *artefact).await?.is_none() {
                    return Err(StorageError::MissingObjects(vec![*artefact]));
                }
                let row = ActiveModel {
                    id: Set(listing.id.to_string()),
                    vendor: Set(listing.vendor.to_string()),
                    request: Set(request.to_string()),
                    state: Set(word("state", &listing.state)?),
                    listing: Set(json("listing", listing)?),
                    model: Set(listing.model.to_string()),
                    artefact: Set(artefact.to_string()),
                    created_at: Set(instant(listing.created_at)),
                };
                let fresh = OnConflict::columns([Column::Vendor, Column::Request]).do_nothing().to_owned();
                Entity::insert(row).on_conflict(fresh).exec_without_returning(tx.as_ref()).await?;
                let row = Entity::find()
                    .filter(Column::Vendor.eq(listing.vendor.to_string()))
                    .filter(Column::Request.eq(request.to_string()))
                    .one(tx.as_ref())
                    .await?;
                let row = row.ok_or_else(|| StorageError::not_found("model", listing.id))?;
                Ok(StoredModel::try_from(row)?.listing)
            })
            .await
    }

    /// A model; its listing is public, the artefact is not.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub async fn get(self, model: ModelId) -> Result<StoredModel, StorageError> {
        one(self.0.reader(), model).await
    }

    /// Models that predict, newest first; public.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(self, limit: u64) -> Result<Vec<ModelListing>, StorageError> {
        let rows = Entity::find()
            .filter(Column::State.eq(word("state", &ListingState::Active)?))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(self.0.reader())
            .await?;
        rows.into_iter().map(|row| StoredModel::try_from(row).map(|stored| stored.listing)).collect()
    }

    /// Predicts no more from now on. Repeated, it is the same.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when the vendor has no such model.
    pub async fn withdraw(self, vendor: AccountId, model: ModelId) -> Result<ModelListing, StorageError> {
        self.0
            .write(|tx| async move {
                let changed = Entity::update_many()
                    .col_expr(Column::State, word("state", &ListingState::Withdrawn)?.into())
                    .filter(Column::Id.eq(model.to_string()))
                    .filter(Column::Vendor.eq(vendor.to_string()))
                    .exec(tx.as_ref())
                    .await?;
                match changed.rows_affected {
                    0 => Err(StorageError::not_found("model", model)),
                    affected => expect_rows(TABLE, model, 1, affected),
                }?;
                Ok(one(tx.as_ref(), model).await?.listing)
            })
            .await
    }
}

/// A model that predicts at this moment, and goes on doing so until the transaction ends.
pub(crate) async fn lock_active(
    tx: &sea_orm::DatabaseTransaction,
    model: ModelId,
) -> Result<ModelListing, StorageError> {
    let row = Entity::find_by_id(model.to_string()).lock_shared().one(tx).await?;
    let row = row.ok_or_else(|| StorageError::not_found("model", model))?;
    let listing = StoredModel::try_from(row)?.listing;
    match listing.state {
        ListingState::Active => Ok(listing),
        ListingState::Withdrawn => Err(ModelError::Withdrawn(model).into()),
    }
}

async fn one<C: ConnectionTrait>(connection: &C, model: ModelId) -> Result<StoredModel, StorageError> {
    let row = Entity::find_by_id(model.to_string()).one(connection).await?;
    row.ok_or_else(|| StorageError::not_found("model", model))?.try_into()
}

impl TryFrom<Model> for StoredModel {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let place = Place { table: TABLE, id: &row.id };
        let listing: ModelListing = place.json("listing", &row.listing)?;
        Ok(Self {
            // The state alone changes, and the row's own column says it.
            listing: ModelListing { state: place.word("state", &row.state)?, ..listing },
            artefact: place.text("artefact", &row.artefact)?,
        })
    }
}
