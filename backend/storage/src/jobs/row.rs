//! Between rows and jobs.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};
use sordino_domain::{
    jobs::{Job, Lease, Progress},
    pricing::BasisPoints,
};
use sordino_protocol::{api::JobProblem, ids::JobId, money::Amount, quote::Acceptance, signature::Signed};

use super::TABLE;
use crate::{
    error::StorageError,
    rows::jobs::{ActiveModel, Column, Entity, Model},
    words::{Place, count, expect_rows, instant, json, word},
};

/// A job together with the version of its row, which guards the next change.
#[derive(Debug, Clone)]
pub(crate) struct Versioned {
    pub(crate) job: Job,
    version: i64,
}

/// A job that nobody else changes until the transaction ends.
pub(crate) async fn lock(tx: &DatabaseTransaction, job: JobId) -> Result<Versioned, StorageError> {
    let row = Entity::find_by_id(job.to_string()).lock_exclusive().one(tx).await?;
    row.ok_or_else(|| StorageError::not_found("job", job))?.try_into()
}

/// Writes what changes of a job, if its row is still the one that was read.
pub(crate) async fn store(tx: &DatabaseTransaction, job: &Versioned) -> Result<(), StorageError> {
    let progress = &job.job.progress;
    let lease = progress.lease.as_ref();
    let problem = progress.problem.as_ref();
    let code = problem.map(|problem| word("problem", &problem.code)).transpose()?;
    let evaluate_ms = progress.evaluate_ms.map(|ms| count("milliseconds", ms)).transpose()?;
    let changed = Entity::update_many()
        .col_expr(Column::Version, Expr::value(job.version + 1))
        .col_expr(Column::State, Expr::value(word("state", &progress.state)?))
        .col_expr(Column::Attempts, Expr::value(attempts(progress.attempts)?))
        .col_expr(Column::LeaseToken, Expr::value(lease.map(|lease| lease.token.to_string())))
        .col_expr(Column::LeaseWorker, Expr::value(lease.map(|lease| lease.worker.clone())))
        .col_expr(Column::LeaseUntil, Expr::value(lease.map(|lease| instant(lease.until))))
        .col_expr(Column::Done, Expr::value(count("operations", progress.done)?))
        .col_expr(Column::EvaluateMs, Expr::value(evaluate_ms))
        .col_expr(Column::ProblemCode, Expr::value(code))
        .col_expr(Column::ProblemDetail, Expr::value(problem.map(|problem| problem.detail.clone())))
        .col_expr(Column::UpdatedAt, Expr::value(instant(progress.updated_at)))
        .filter(Column::Id.eq(job.job.id.to_string()))
        .filter(Column::Version.eq(job.version))
        .exec(tx)
        .await?;
    expect_rows(TABLE, job.job.id, 1, changed.rows_affected)
}

/// Writes a new job.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    job: &Job,
    acceptance: &Signed<Acceptance>,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(job.id.to_string()),
        version: Set(1),
        buyer: Set(job.buyer.to_string()),
        owner: Set(job.owner.to_string()),
        listing: Set(job.listing.to_string()),
        dataset: Set(job.dataset.to_string()),
        gate: Set(job.gate.to_string()),
        quote: Set(job.quote.to_string()),
        query: Set(job.query.to_string()),
        acceptance: Set(json("acceptance", acceptance)?),
        price: Set(job.price.as_minor()),
        currency: Set(job.currency.to_string()),
        fee: Set(i32::from(job.fee.get())),
        total: Set(count("operations", job.total)?),
        state: Set(word("state", &job.progress.state)?),
        attempts: Set(attempts(job.progress.attempts)?),
        lease_token: Set(None),
        lease_worker: Set(None),
        lease_until: Set(None),
        done: Set(0),
        evaluate_ms: Set(None),
        problem_code: Set(None),
        problem_detail: Set(None),
        created_at: Set(instant(job.created_at)),
        updated_at: Set(instant(job.progress.updated_at)),
    };
    expect_rows(TABLE, job.id, 1, Entity::insert(row).exec_without_returning(tx).await?)
}

fn attempts(number: u32) -> Result<i32, StorageError> {
    i32::try_from(number).map_err(|_| StorageError::OutOfRange { what: "attempts", value: u64::from(number) })
}

impl TryFrom<Model> for Versioned {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let version = row.version;
        Ok(Self { job: row.try_into()?, version })
    }
}

impl TryFrom<Model> for Job {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let place = Place { table: TABLE, id: &row.id };
        Ok(Self {
            id: place.text("id", &row.id)?,
            buyer: place.text("buyer", &row.buyer)?,
            owner: place.text("owner", &row.owner)?,
            listing: place.text("listing", &row.listing)?,
            dataset: place.text("dataset", &row.dataset)?,
            gate: place.text("gate", &row.gate)?,
            quote: place.text("quote", &row.quote)?,
            query: place.text("query", &row.query)?,
            total: place.count("total", row.total)?,
            price: Amount::minor(row.price),
            currency: place.text("currency", &row.currency)?,
            fee: fee(&place, row.fee)?,
            created_at: row.created_at,
            progress: progress(&place, &row)?,
        })
    }
}

/// The platform's share as rows have it.
pub(crate) fn fee(place: &Place<'_>, points: i32) -> Result<BasisPoints, StorageError> {
    BasisPoints::parse(place.count("fee", i64::from(points))?).map_err(|_| place.bad("fee"))
}

fn progress(place: &Place<'_>, row: &Model) -> Result<Progress, StorageError> {
    let lease = match (&row.lease_token, &row.lease_worker, row.lease_until) {
        (Some(token), Some(worker), Some(until)) => {
            Some(Lease { token: place.text("lease_token", token)?, worker: worker.clone(), until })
        }
        (None, None, None) => None,
        _ => return Err(place.bad("lease_token")),
    };
    let problem = match (&row.problem_code, &row.problem_detail) {
        (Some(code), Some(detail)) => {
            Some(JobProblem { code: place.word("problem_code", code)?, detail: detail.clone() })
        }
        (None, None) => None,
        _ => return Err(place.bad("problem_code")),
    };
    Ok(Progress {
        state: place.word("state", &row.state)?,
        attempts: place.count("attempts", i64::from(row.attempts))?,
        lease,
        done: place.count("done", row.done)?,
        evaluate_ms: row.evaluate_ms.map(|ms| place.count("evaluate_ms", ms)).transpose()?,
        problem,
        updated_at: row.updated_at,
    })
}
