//! Jobs: what buyers see of them, and what workers do with them. Each step is one short transaction; while a
//! worker computes, none is open.

mod accept;
mod acquire;
mod complete;
mod end;
mod row;
mod view;

pub use accept::Accept;
pub use acquire::LeasedJob;
pub use complete::Finished;
pub use end::ExpireBefore;

use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;
use sordino_domain::jobs::Job;

use crate::{
    connection::Storage,
    error::StorageError,
    ledger::{Resolution, settle},
    outbox::{self, Topic},
};

pub(crate) use row::{Versioned, fee, lock, store};

const TABLE: &str = "jobs";

/// Jobs, see [`Storage::jobs`].
#[derive(Debug, Clone, Copy)]
pub struct Jobs<'a>(pub(crate) &'a Storage);

/// Writes a job that has come to its end, gives the money where it belongs, and says so.
pub(crate) async fn finish(
    tx: &DatabaseTransaction,
    job: &Versioned,
    resolution: Resolution,
    now: DateTime<Utc>,
) -> Result<Job, StorageError> {
    store(tx, job).await?;
    settle(tx, job.job.id, resolution, now).await?;
    outbox::publish(tx, Topic::JobEnded, &job.job, now).await?;
    Ok(job.job.clone())
}
