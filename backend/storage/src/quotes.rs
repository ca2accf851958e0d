//! Quotes, each accepted at most once.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};
use sordino_domain::quotes::{QuoteError, StoredQuote};
use sordino_protocol::{
    ids::{AccountId, JobId, QuoteId},
    presentation::Presentation,
    query::Query,
    quote::Quote,
    signature::Signed,
};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::quotes::{ActiveModel, Column, Entity, Model},
    words::{Place, expect_rows, instant, json},
};

const TABLE: &str = "quotes";

/// Quotes, see [`Storage::quotes`].
#[derive(Debug, Clone, Copy)]
pub struct Quotes<'a>(pub(crate) &'a Storage);

impl Quotes<'_> {
    /// Stores a quote that the platform has signed, with its query and how its answer is shown.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn save(
        self,
        quote: &Signed<Quote>,
        query: &Query,
        presentation: &Presentation,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.0
            .write(|tx| async move {
                let body = &quote.body;
                let row = ActiveModel {
                    id: Set(body.id.to_string()),
                    buyer: Set(body.buyer.to_string()),
                    listing: Set(body.listing.to_string()),
                    dataset: Set(body.dataset.to_string()),
                    expires_at: Set(instant(body.expires_at)),
                    quote: Set(json("quote", quote)?),
                    query: Set(json("query", query)?),
                    job: Set(None),
                    created_at: Set(instant(now)),
                    presentation: Set(Some(json("presentation", presentation)?)),
                };
                let inserted = Entity::insert(row).exec_without_returning(tx.as_ref()).await?;
                expect_rows(TABLE, body.id, 1, inserted)
            })
            .await
    }

    /// A quote made for the buyer.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub async fn get(self, buyer: AccountId, quote: QuoteId) -> Result<StoredQuote, StorageError> {
        let row = Entity::find_by_id(quote.to_string())
            .filter(Column::Buyer.eq(buyer.to_string()))
            .one(self.0.reader())
            .await?;
        row.ok_or_else(|| StorageError::not_found("quote", quote))?.try_into()
    }
}

/// A quote of the buyer that stays as it is until the transaction ends.
pub(crate) async fn lock(
    tx: &DatabaseTransaction,
    buyer: AccountId,
    quote: QuoteId,
) -> Result<StoredQuote, StorageError> {
    let row = Entity::find_by_id(quote.to_string())
        .filter(Column::Buyer.eq(buyer.to_string()))
        .lock_exclusive()
        .one(tx)
        .await?;
    row.ok_or_else(|| StorageError::not_found("quote", quote))?.try_into()
}

/// Marks a quote as accepted by a job.
pub(crate) async fn mark_used(
    tx: &DatabaseTransaction,
    quote: QuoteId,
    job: JobId,
) -> Result<(), StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::Job, Expr::value(job.to_string()))
        .filter(Column::Id.eq(quote.to_string()))
        .filter(Column::Job.is_null())
        .exec(tx)
        .await?;
    match changed.rows_affected {
        0 => Err(QuoteError::Used { quote, job }.into()),
        affected => expect_rows(TABLE, quote, 1, affected),
    }
}

impl TryFrom<Model> for StoredQuote {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let place = Place { table: TABLE, id: &row.id };
        Ok(Self {
            quote: place.json("quote", &row.quote)?,
            query: place.json("query", &row.query)?,
            presentation: row
                .presentation
                .as_deref()
                .map(|presentation| place.json("presentation", presentation))
                .transpose()?,
            job: row.job.as_deref().map(|job| place.text("job", job)).transpose()?,
        })
    }
}
