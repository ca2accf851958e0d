//! Jobs: one paid evaluation each, and the moves it may make.
//!
//! `quoted -> held -> queued -> running -> awaiting_release -> released`, or `refused`, `failed`,
//! `cancelled`, `expired`. A lease is held exactly while running; whoever shows its token speaks for the job.

mod lease;
mod transitions;

pub use lease::{Lease, LeaseToken, LeaseTokenError};
pub use transitions::{Evaluated, JobError, Retry};

use chrono::{DateTime, Utc};
use sordino_protocol::{
    api::{self, JobProblem, JobState},
    digest::Digest,
    ids::{AccountId, GateId, JobId, ListingId, QuoteId},
    money::{Amount, Currency},
};

use crate::pricing::BasisPoints;

/// How often a job is begun before it fails for good.
pub const MAX_ATTEMPTS: u32 = 3;

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Who pays.
    pub buyer: AccountId,
    /// Whose data.
    pub owner: AccountId,
    /// Of what.
    pub listing: ListingId,
    /// Digest of the manifest of the dataset version, which may be older than the listing's current one.
    pub dataset: Digest,
    /// Who releases.
    pub gate: GateId,
    /// The accepted quote.
    pub quote: QuoteId,
    /// Digest of the query.
    pub query: Digest,
    /// Operations in all.
    pub total: u64,
    /// The price; held, captured or voided, by state.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The platform's share of the price, as of acceptance.
    pub fee: BasisPoints,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// What changes.
    pub progress: Progress,
}

/// The part of a job that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Where it is.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: u32,
    /// Who works on it; present exactly while running.
    pub lease: Option<Lease>,
    /// Operations done in this attempt.
    pub done: u64,
    /// Milliseconds the evaluation took, once done.
    pub evaluate_ms: Option<u64>,
    /// Why it was refused or failed.
    pub problem: Option<JobProblem>,
    /// When it came to this state.
    pub updated_at: DateTime<Utc>,
}

impl Job {
    /// Where it is.
    pub const fn state(&self) -> JobState {
        self.progress.state
    }
}

impl From<&Job> for api::Job {
    fn from(job: &Job) -> Self {
        Self {
            id: job.id,
            listing: job.listing,
            query: job.query,
            state: job.progress.state,
            done: job.progress.done,
            total: job.total,
            price: job.price,
            currency: job.currency,
            evaluate_ms: job.progress.evaluate_ms,
            problem: job.progress.problem.clone(),
            created_at: job.created_at,
            updated_at: job.progress.updated_at,
        }
    }
}
