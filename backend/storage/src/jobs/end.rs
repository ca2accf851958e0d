//! Jobs that end early: cancelled by the buyer, or expired because nobody took or released them.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use sordino_domain::{jobs::Job, releases::ReleaseState};
use sordino_protocol::{
    api::JobState,
    ids::{AccountId, JobId},
};

use super::{Jobs, TABLE, Versioned, finish, row};
use crate::{
    error::StorageError,
    ledger::Resolution,
    rows::{
        jobs::{Column, Entity},
        releases,
    },
    words::{Place, expect_rows, instant, word},
};

/// The most jobs that expire in one call.
const BATCH: u64 = 100;

/// Which jobs expire: those that have not moved since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpireBefore {
    /// Those that wait for a worker.
    pub queued: DateTime<Utc>,
    /// Those that wait for their gate.
    pub awaiting_release: DateTime<Utc>,
}

impl Jobs<'_> {
    /// Cancels a job of the buyer and gives its price back. Repeated, it is the same.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], or [`StorageError::Job`] when it is evaluated already.
    pub async fn cancel(self, buyer: AccountId, job: JobId, now: DateTime<Utc>) -> Result<Job, StorageError> {
        self.0
            .write(|tx| async move {
                let mut job = row::lock(&tx, job).await?;
                if job.job.buyer != buyer {
                    return Err(StorageError::not_found("job", job.job.id));
                }
                if job.job.state() == JobState::Cancelled {
                    return Ok(job.job);
                }
                job.job.cancel(instant(now))?;
                finish(&tx, &job, Resolution::Void, now).await
            })
            .await
    }

    /// Ends jobs that have waited too long, and gives their prices back. Returns those that ended; when
    /// they are many, the rest is left for the next call.
    ///
    /// # Errors
    /// Those of the database; what has expired before stays so.
    pub async fn expire(self, before: ExpireBefore, now: DateTime<Utc>) -> Result<Vec<JobId>, StorageError> {
        let waiting: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(waiting(before)?)
            .order_by_asc(Column::UpdatedAt)
            .limit(BATCH)
            .into_tuple()
            .all(self.0.reader())
            .await?;
        let mut expired = Vec::new();
        for id in waiting {
            let job: JobId = Place { table: TABLE, id: &id }.text("id", &id)?;
            let ended = self.0.write(|tx| async move { expire_one(&tx, job, before, now).await }).await?;
            expired.extend(ended.then_some(job));
        }
        Ok(expired)
    }
}

fn waiting(before: ExpireBefore) -> Result<Condition, StorageError> {
    let since = |state: JobState, at: DateTime<Utc>| -> Result<Condition, StorageError> {
        let state = Column::State.eq(word("state", &state)?);
        Ok(Condition::all().add(state).add(Column::UpdatedAt.lt(instant(at))))
    };
    Ok(Condition::any()
        .add(since(JobState::Queued, before.queued)?)
        .add(since(JobState::AwaitingRelease, before.awaiting_release)?))
}

async fn expire_one(
    tx: &DatabaseTransaction,
    job: JobId,
    before: ExpireBefore,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    // It may have moved since it was found.
    let found = Entity::find_by_id(job.to_string()).filter(waiting(before)?).lock_exclusive().one(tx).await?;
    let Some(found) = found else { return Ok(false) };
    let mut job = Versioned::try_from(found)?;
    let asked = job.job.state() == JobState::AwaitingRelease;
    job.job.expire(instant(now))?;
    if asked {
        expire_release(tx, job.job.id, now).await?;
    }
    finish(tx, &job, Resolution::Void, now).await?;
    Ok(true)
}

async fn expire_release(
    tx: &DatabaseTransaction,
    job: JobId,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let changed = releases::Entity::update_many()
        .col_expr(releases::Column::State, Expr::value(word("state", &ReleaseState::Expired)?))
        .col_expr(releases::Column::DecidedAt, Expr::value(instant(now)))
        .filter(releases::Column::Job.eq(job.to_string()))
        .filter(releases::Column::State.eq(word("state", &ReleaseState::Pending)?))
        .exec(tx)
        .await?;
    expect_rows("releases", job, 1, changed.rows_affected)
}
