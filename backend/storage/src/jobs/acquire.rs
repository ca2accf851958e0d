//! Workers taking jobs, and keeping them while they compute.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockBehavior, LockType},
};
use sordino_domain::{
    jobs::{Job, Lease, LeaseToken},
    quotes::StoredQuote,
};
use sordino_protocol::{
    api::JobState, ids::JobId, manifest::Manifest, query::Query, quote::Quote, signature::Signed,
};

use super::{Jobs, Versioned, finish, row, store};
use crate::{
    error::StorageError,
    ledger::Resolution,
    listings,
    rows::{
        jobs::{Column, Entity},
        quotes,
    },
    words::{instant, word},
};

/// A job with all that is needed to evaluate it.
#[derive(Debug, Clone)]
pub struct LeasedJob {
    /// The job, running.
    pub job: Job,
    /// The quote it fulfils.
    pub quote: Signed<Quote>,
    /// The question.
    pub query: Query,
    /// The dataset version.
    pub manifest: Signed<Manifest>,
}

/// What came of looking for a job.
enum Taken {
    Leased(Box<Job>),
    /// A job was found that had used up its attempts.
    Ended(JobId),
    Nothing,
}

impl Jobs<'_> {
    /// Takes the oldest job that waits, or whose worker has let its lease end. Two workers never take the
    /// same. A job that was begun too often ends on the way.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn acquire(self, lease: &Lease, now: DateTime<Utc>) -> Result<Option<LeasedJob>, StorageError> {
        // Idle workers look without asking to write.
        while Entity::find().filter(to_do(now)?).one(self.0.reader()).await?.is_some() {
            match self.0.write(|tx| async move { take(&tx, lease, now).await }).await? {
                Taken::Leased(job) => return self.with_question(*job).await.map(Some),
                Taken::Ended(job) => tracing::warn!(%job, "a job was begun too often and has failed"),
                Taken::Nothing => break,
            }
        }
        Ok(None)
    }

    /// Keeps a job for longer, and notes how much of it is done.
    ///
    /// # Errors
    /// [`StorageError::Job`] with a lost lease when the job was cancelled or another worker has it: stop.
    pub async fn renew(
        self,
        job: JobId,
        token: LeaseToken,
        until: DateTime<Utc>,
        done: u64,
    ) -> Result<(), StorageError> {
        self.0
            .write(|tx| async move {
                let mut job = row::lock(&tx, job).await?;
                job.job.renew(token, instant(until), done)?;
                store(&tx, &job).await
            })
            .await
    }

    async fn with_question(self, job: Job) -> Result<LeasedJob, StorageError> {
        let row = quotes::Entity::find_by_id(job.quote.to_string()).one(self.0.reader()).await?;
        let quote: StoredQuote =
            row.ok_or_else(|| StorageError::not_found("quote", job.quote))?.try_into()?;
        let manifest = listings::manifest(self.0.reader(), job.dataset).await?;
        Ok(LeasedJob { job, quote: quote.quote, query: quote.query, manifest })
    }
}

async fn take(tx: &DatabaseTransaction, lease: &Lease, now: DateTime<Utc>) -> Result<Taken, StorageError> {
    // On PostgreSQL a row that another worker is taking is passed over; SQLite has one writer anyway.
    let found = Entity::find()
        .filter(to_do(now)?)
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(tx)
        .await?;
    let Some(found) = found else { return Ok(Taken::Nothing) };
    let mut found = Versioned::try_from(found)?;
    let lease = Lease { until: instant(lease.until), ..lease.clone() };
    found.job.begin(lease, instant(now))?;
    if found.job.state() == JobState::Failed {
        finish(tx, &found, Resolution::Void, now).await?;
        return Ok(Taken::Ended(found.job.id));
    }
    store(tx, &found).await?;
    Ok(Taken::Leased(Box::new(found.job)))
}

fn to_do(now: DateTime<Utc>) -> Result<Condition, StorageError> {
    let abandoned = Condition::all()
        .add(Column::State.eq(word("state", &JobState::Running)?))
        .add(Column::LeaseUntil.lte(instant(now)));
    Ok(Condition::any().add(Column::State.eq(word("state", &JobState::Queued)?)).add(abandoned))
}
