//! Predictions: evaluated first, then delivered and paid in one transaction, or not at all.

mod record;

pub use record::Delivery;

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};
use sordino_domain::models;
use sordino_protocol::{
    api::models::{ModelListing, Prediction},
    digest::Digest,
    ids::{AccountId, ModelId, PredictionId},
    money::Amount,
};

use crate::{
    connection::Storage,
    error::StorageError,
    idempotency::{IdempotencyKey, Request, seen},
    rows::{
        prediction_usage,
        predictions::{Column, Entity, Model},
    },
    words::Place,
};

/// Predictions, see [`Storage::predictions`].
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'a>(pub(crate) &'a Storage);

impl Predictions<'_> {
    /// What came of a request, if it was made before: then nothing is evaluated.
    ///
    /// # Errors
    /// [`StorageError::IdempotencyMismatch`] when its key belongs to another request.
    pub async fn before(
        self,
        client: AccountId,
        key: &IdempotencyKey,
        request: Digest,
    ) -> Result<Option<Prediction>, StorageError> {
        let request = Request { account: client, key, digest: request };
        let Some(outcome) = seen(self.0.reader(), &request).await? else { return Ok(None) };
        let id = Place { table: "idempotency_keys", id: &key.to_string() }.text("outcome", &outcome)?;
        of_client(self.0.reader(), client, id).await.map(Some)
    }

    /// A prediction, for who bought it and who sold it.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] for anybody else.
    pub async fn get(self, party: AccountId, id: PredictionId) -> Result<Prediction, StorageError> {
        let party = party.to_string();
        let own = Condition::any().add(Column::Client.eq(&party)).add(Column::Vendor.eq(&party));
        let row = Entity::find_by_id(id.to_string()).filter(own).one(self.0.reader()).await?;
        row.ok_or_else(|| StorageError::not_found("prediction", id))?.try_into()
    }

    /// The object with the encrypted scores, for who bought them.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] for anybody else.
    pub async fn output(self, client: AccountId, id: PredictionId) -> Result<Digest, StorageError> {
        Ok(of_client(self.0.reader(), client, id).await?.receipt.body.outputs)
    }

    /// Whether the client may have so many more samples on the day of `now`. A request that would be
    /// refused anyway need not be evaluated; what counts is [`Predictions::deliver`].
    ///
    /// # Errors
    /// [`StorageError::Model`] when it may not.
    pub async fn check_quota(
        self,
        client: AccountId,
        listing: &ModelListing,
        samples: u32,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), StorageError> {
        let used = used(self.0.reader(), listing.id, client, models::day(now)).await?;
        if used.saturating_add(u64::from(samples)) <= listing.quota.samples_per_day {
            return Ok(());
        }
        Err(models::exhausted(&listing.quota, used, samples, now).into())
    }
}

/// Samples that a client has had of a model on a day.
async fn used<C: ConnectionTrait>(
    connection: &C,
    model: ModelId,
    client: AccountId,
    day: i64,
) -> Result<u64, StorageError> {
    let key = (model.to_string(), client.to_string(), day);
    let Some(row) = prediction_usage::Entity::find_by_id(key).one(connection).await? else { return Ok(0) };
    Place { table: "prediction_usage", id: &row.model }.count("samples", row.samples)
}

async fn of_client<C: ConnectionTrait>(
    connection: &C,
    client: AccountId,
    id: PredictionId,
) -> Result<Prediction, StorageError> {
    let row = Entity::find_by_id(id.to_string())
        .filter(Column::Client.eq(client.to_string()))
        .one(connection)
        .await?;
    row.ok_or_else(|| StorageError::not_found("prediction", id))?.try_into()
}

impl TryFrom<Model> for Prediction {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let place = Place { table: "predictions", id: &row.id };
        Ok(Self {
            id: place.text("id", &row.id)?,
            price: Amount::minor(row.price),
            currency: place.text("currency", &row.currency)?,
            receipt: place.json("receipt", &row.receipt)?,
        })
    }
}
