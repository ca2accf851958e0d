//! Accepting a quote: the price is held and the job enqueued, or neither.

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseTransaction, EntityTrait};
use sordino_domain::{
    jobs::{Job, Progress},
    ledger::{Hold, HoldState, hold_id},
    listings::ListingError,
    pricing::BasisPoints,
    quotes::StoredQuote,
};
use sordino_protocol::{
    api::ListingState,
    digest::Digest,
    ids::{AccountId, JobId, QuoteId},
    quote::Acceptance,
    signature::Signed,
};

use super::{Jobs, row};
use crate::{
    error::StorageError,
    idempotency::{IdempotencyKey, Request, Seen, claim},
    ledger, outbox,
    outbox::Topic,
    quotes,
    rows::listings,
    words::{Place, instant},
};

/// A buyer's acceptance of a quote, whose signatures were checked.
#[derive(Debug, Clone)]
pub struct Accept {
    /// Id of the job, unless the request was seen before.
    pub job: JobId,
    /// What is accepted.
    pub quote: QuoteId,
    /// As signed by the buyer.
    pub acceptance: Signed<Acceptance>,
    /// The platform's share of the price.
    pub fee: BasisPoints,
    /// The buyer's name for the request.
    pub key: IdempotencyKey,
    /// Digest of the request.
    pub request: Digest,
}

impl Jobs<'_> {
    /// Accepts a quote. The same request again returns the same job, and holds nothing more.
    ///
    /// # Errors
    /// [`StorageError::IdempotencyMismatch`]; [`StorageError::NotFound`] for a quote that was not made for
    /// this buyer; [`StorageError::Quote`] when it is used or its time is over; [`StorageError::Listing`]
    /// when the listing was withdrawn; [`StorageError::InsufficientBalance`].
    pub async fn accept(
        self,
        buyer: AccountId,
        accept: Accept,
        now: DateTime<Utc>,
    ) -> Result<Job, StorageError> {
        let accept = &accept;
        self.0
            .write(|tx| async move {
                let request = Request { account: buyer, key: &accept.key, digest: accept.request };
                match claim(&tx, &request, accept.job.to_string(), now).await? {
                    Seen::First => begin(&tx, buyer, accept, now).await,
                    Seen::Before(job) => {
                        let place = Place { table: "idempotency_keys", id: &job };
                        let job = row::lock(&tx, place.text("outcome", &job)?).await?.job;
                        if job.buyer == buyer { Ok(job) } else { Err(StorageError::not_found("job", job.id)) }
                    }
                }
            })
            .await
    }
}

async fn begin(
    tx: &DatabaseTransaction,
    buyer: AccountId,
    accept: &Accept,
    now: DateTime<Utc>,
) -> Result<Job, StorageError> {
    let quote = quotes::lock(tx, buyer, accept.quote).await?;
    quote.acceptable(now)?;
    let job = new_job(tx, accept, &quote, instant(now)).await?;
    row::insert(tx, &job, &accept.acceptance).await?;
    quotes::mark_used(tx, accept.quote, job.id).await?;
    let hold = Hold {
        id: hold_id(job.id),
        job: job.id,
        buyer: job.buyer,
        owner: job.owner,
        amount: job.price,
        currency: job.currency,
        fee: job.fee,
        state: HoldState::Held,
        resolved_at: None,
    };
    ledger::place_hold(tx, &hold, now).await?;
    outbox::publish(tx, Topic::JobQueued, &job, now).await?;
    Ok(job)
}

async fn new_job(
    tx: &DatabaseTransaction,
    accept: &Accept,
    quote: &StoredQuote,
    now: DateTime<Utc>,
) -> Result<Job, StorageError> {
    let body = &quote.quote.body;
    let listing = listings::Entity::find_by_id(body.listing.to_string()).one(tx).await?;
    let listing = listing.ok_or_else(|| StorageError::not_found("listing", body.listing))?;
    let place = Place { table: "listings", id: &listing.id };
    if place.word::<ListingState>("state", &listing.state)? == ListingState::Withdrawn {
        return Err(ListingError::Withdrawn(body.listing).into());
    }
    let mut job = Job {
        id: accept.job,
        buyer: body.buyer,
        owner: place.text("owner", &listing.owner)?,
        listing: body.listing,
        dataset: body.dataset,
        gate: place.text("gate", &listing.gate)?,
        quote: body.id,
        query: body.query,
        total: body.operations.total(),
        price: body.price,
        currency: body.currency,
        fee: accept.fee,
        created_at: now,
        progress: Progress::quoted(now),
    };
    job.hold(now)?;
    job.enqueue(now)?;
    Ok(job)
}
