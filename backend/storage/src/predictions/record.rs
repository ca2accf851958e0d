//! Delivering predictions: quota, payment and receipt, or nothing.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use sordino_domain::{
    models::{ModelError, Sale, day, exhausted},
    pricing::BasisPoints,
};
use sordino_protocol::{
    api::models::{ModelListing, Prediction},
    digest::Digest,
    ids::AccountId,
    receipt::PredictionReceipt,
    signature::Signed,
};

use super::{Predictions, of_client, used};
use crate::{
    error::StorageError,
    idempotency::{IdempotencyKey, Request, Seen, claim},
    ledger, models, objects,
    rows::{prediction_usage as usage, predictions},
    words::{Place, count, expect_rows, instant, json},
};

/// Predictions that were evaluated, and whose output is stored as an object of the client.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What was evaluated, and for how much; signed by the platform.
    pub receipt: Signed<PredictionReceipt>,
    /// The platform's share of the price.
    pub fee: BasisPoints,
    /// The client's name for the request.
    pub key: IdempotencyKey,
    /// Digest of the request.
    pub request: Digest,
}

impl Predictions<'_> {
    /// Pays and delivers predictions: the client's prepaid money goes to vendor and platform, the samples
    /// count for the quota, and the receipt is kept. The same request again returns what came of the
    /// first, and costs nothing more.
    ///
    /// # Errors
    /// [`StorageError::IdempotencyMismatch`], [`StorageError::InsufficientBalance`], and
    /// [`StorageError::Model`] when the model was withdrawn, the quota is used up, or the price is another
    /// one. Nothing is changed then.
    pub async fn deliver(
        self,
        client: AccountId,
        delivery: Delivery,
        now: DateTime<Utc>,
    ) -> Result<Prediction, StorageError> {
        let delivery = &delivery;
        self.0
            .write(|tx| async move {
                let receipt = &delivery.receipt.body;
                let request = Request { account: client, key: &delivery.key, digest: delivery.request };
                match claim(&tx, &request, receipt.prediction.to_string(), now).await? {
                    Seen::First => record(&tx, client, delivery, now).await,
                    Seen::Before(id) => {
                        let place = Place { table: "idempotency_keys", id: &id };
                        of_client(tx.as_ref(), client, place.text("outcome", &id)?).await
                    }
                }
            })
            .await
    }
}

async fn record(
    tx: &DatabaseTransaction,
    client: AccountId,
    delivery: &Delivery,
    now: DateTime<Utc>,
) -> Result<Prediction, StorageError> {
    let receipt = &delivery.receipt.body;
    let listing = models::lock_active(tx, receipt.listing).await?;
    check(&listing, client, receipt)?;
    if objects::size(tx, client, receipt.outputs).await?.is_none() {
        return Err(StorageError::MissingObjects(vec![receipt.outputs]));
    }
    count_samples(tx, client, &listing, receipt.samples, now).await?;
    let sale = Sale {
        id: receipt.prediction,
        model: listing.id,
        client,
        vendor: listing.vendor,
        samples: receipt.samples,
        price: receipt.price,
        currency: receipt.currency,
        fee: delivery.fee,
    };
    let payment = ledger::pay(tx, &sale, now).await?;
    let row = predictions::ActiveModel {
        id: Set(sale.id.to_string()),
        model: Set(sale.model.to_string()),
        client: Set(client.to_string()),
        vendor: Set(sale.vendor.to_string()),
        samples: Set(i64::from(sale.samples)),
        price: Set(sale.price.as_minor()),
        currency: Set(sale.currency.to_string()),
        payment: Set(payment.map(|payment| payment.to_string())),
        output: Set(receipt.outputs.to_string()),
        receipt: Set(json("receipt", &delivery.receipt)?),
        created_at: Set(instant(now)),
    };
    let inserted = predictions::Entity::insert(row).exec_without_returning(tx).await?;
    expect_rows("predictions", sale.id, 1, inserted)?;
    Ok(Prediction {
        id: sale.id,
        price: sale.price,
        currency: sale.currency,
        receipt: delivery.receipt.clone(),
    })
}

/// The receipt must be about this client and the model as it is offered now.
fn check(listing: &ModelListing, client: AccountId, receipt: &PredictionReceipt) -> Result<(), StorageError> {
    let samples = receipt.samples;
    let price = listing.price_of(samples).map_err(|_| ModelError::Samples { samples, limit: 0 })?;
    if price != receipt.price {
        return Err(ModelError::Price { samples, price, accepted: receipt.price }.into());
    }
    let same = receipt.client == client
        && receipt.model == listing.model
        && receipt.currency == listing.currency
        && listing.forms.iter().any(|form| form.program == receipt.program);
    if same {
        return Ok(());
    }
    Err(StorageError::conflict("prediction", receipt.prediction, "the receipt is about something else"))
}

/// Adds samples to those of the day. The change itself asks whether the quota allows it: two requests at
/// the same time cannot both find so.
async fn count_samples(
    tx: &DatabaseTransaction,
    client: AccountId,
    listing: &ModelListing,
    samples: u32,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    use usage::Column;
    let (model, holder, today) = (listing.id.to_string(), client.to_string(), day(now));
    let zero = usage::ActiveModel {
        model: Set(model.clone()),
        client: Set(holder.clone()),
        day: Set(today),
        samples: Set(0),
    };
    let fresh = OnConflict::columns([Column::Model, Column::Client, Column::Day]).do_nothing().to_owned();
    usage::Entity::insert(zero).on_conflict(fresh).exec_without_returning(tx).await?;
    let limit = count("samples_per_day", listing.quota.samples_per_day)?;
    let more = Expr::col(Column::Samples).add(i64::from(samples));
    let changed = usage::Entity::update_many()
        .col_expr(Column::Samples, more.clone())
        .filter(Column::Model.eq(&model))
        .filter(Column::Client.eq(&holder))
        .filter(Column::Day.eq(today))
        .filter(more.lte(limit))
        .exec(tx)
        .await?;
    if changed.rows_affected == 0 {
        let used = used(tx, listing.id, client, today).await?;
        return Err(exhausted(&listing.quota, used, samples, now).into());
    }
    expect_rows("prediction_usage", listing.id, 1, changed.rows_affected)
}
