//! The end of an evaluation: the gate is asked to release, or the job fails or is tried again.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};
use sordino_domain::{
    jobs::{Evaluated, Job, LeaseToken, Retry},
    releases::ReleaseState,
};
use sordino_protocol::{
    api::{JobProblem, JobState},
    canonical::Canonical,
    ids::{JobId, ReleaseId},
    receipt::Receipt,
    signature::Signed,
};

use super::{Jobs, finish, row, store};
use crate::{
    error::StorageError,
    ledger::Resolution,
    objects,
    outbox::{self, Topic},
    rows::{receipts, releases},
    words::{expect_rows, instant, json, word},
};

/// What a worker has after an evaluation.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Id of the release.
    pub release: ReleaseId,
    /// Signed by the platform; its outputs were stored in the name of the listing's owner.
    pub receipt: Signed<Receipt>,
    /// Milliseconds of evaluation.
    pub evaluate_ms: u64,
}

impl Jobs<'_> {
    /// Notes that a job is evaluated, and asks the gate to release its answer.
    ///
    /// # Errors
    /// [`StorageError::Job`] with a lost lease when the worker has the job no more; nothing of the
    /// evaluation counts then. [`StorageError::Conflict`] when the receipt is about something else,
    /// [`StorageError::MissingObjects`] when the outputs were not stored.
    pub async fn complete(
        self,
        job: JobId,
        token: LeaseToken,
        finished: Finished,
        now: DateTime<Utc>,
    ) -> Result<Job, StorageError> {
        let finished = &finished;
        self.0
            .write(|tx| async move {
                let mut job = row::lock(&tx, job).await?;
                let evaluated = Evaluated { evaluate_ms: finished.evaluate_ms, at: instant(now) };
                job.job.evaluated(token, evaluated)?;
                check_receipt(&job.job, &finished.receipt.body)?;
                let outputs = finished.receipt.body.outputs;
                if objects::size(tx.as_ref(), job.job.owner, outputs).await?.is_none() {
                    return Err(StorageError::MissingObjects(vec![outputs]));
                }
                store(&tx, &job).await?;
                insert_receipt(&tx, &job.job, &finished.receipt, now).await?;
                insert_release(&tx, &job.job, finished, now).await?;
                outbox::publish(&tx, Topic::ReleaseRequested, &job.job, now).await?;
                Ok(job.job)
            })
            .await
    }

    /// Notes that an attempt failed. The job is queued again if that may help; otherwise it ends and its
    /// price is given back.
    ///
    /// # Errors
    /// [`StorageError::Job`] with a lost lease when the worker has the job no more.
    pub async fn fail(
        self,
        job: JobId,
        token: LeaseToken,
        problem: JobProblem,
        retry: Retry,
        now: DateTime<Utc>,
    ) -> Result<Job, StorageError> {
        let problem = &problem;
        self.0
            .write(|tx| async move {
                let mut job = row::lock(&tx, job).await?;
                job.job.fail(token, problem.clone(), retry, instant(now))?;
                if job.job.state() == JobState::Failed {
                    return finish(&tx, &job, Resolution::Void, now).await;
                }
                store(&tx, &job).await?;
                outbox::publish(&tx, Topic::JobQueued, &job.job, now).await?;
                Ok(job.job)
            })
            .await
    }
}

fn check_receipt(job: &Job, receipt: &Receipt) -> Result<(), StorageError> {
    let same = receipt.job == job.id
        && receipt.listing == job.listing
        && receipt.dataset == job.dataset
        && receipt.query == job.query
        && receipt.price == job.price
        && receipt.currency == job.currency;
    if same {
        Ok(())
    } else {
        Err(StorageError::conflict("job", job.id, "the receipt is about something else"))
    }
}

async fn insert_receipt(
    tx: &DatabaseTransaction,
    job: &Job,
    receipt: &Signed<Receipt>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let row = receipts::ActiveModel {
        job: Set(job.id.to_string()),
        digest: Set(receipt.body.digest()?.to_string()),
        receipt: Set(json("receipt", receipt)?),
        created_at: Set(instant(now)),
    };
    expect_rows("receipts", job.id, 1, receipts::Entity::insert(row).exec_without_returning(tx).await?)
}

async fn insert_release(
    tx: &DatabaseTransaction,
    job: &Job,
    finished: &Finished,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let row = releases::ActiveModel {
        id: Set(finished.release.to_string()),
        job: Set(job.id.to_string()),
        gate: Set(job.gate.to_string()),
        outputs: Set(finished.receipt.body.outputs.to_string()),
        state: Set(word("state", &ReleaseState::Pending)?),
        decision: Set(None),
        created_at: Set(instant(now)),
        decided_at: Set(None),
    };
    let inserted = releases::Entity::insert(row).exec_without_returning(tx).await?;
    expect_rows("releases", finished.release, 1, inserted)
}
