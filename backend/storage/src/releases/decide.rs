//! Taking a gate's decision: the answer is kept, the money moves and the job ends, all or nothing.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr,
};
use sordino_domain::{
    jobs::Job,
    releases::{self as rules, DecisionError, Expected, ReleaseState},
};
use sordino_protocol::{
    digest::Digest,
    ids::{GateId, JobId, ReleaseId},
    quote::{Acceptance, Quote},
    receipt::Outcome,
    release::ReleaseDecision,
    sealed::SealedAnswer,
    signature::Signed,
};

use super::{Releases, TABLE};
use crate::{
    error::StorageError,
    jobs::{Versioned, finish, lock},
    ledger::Resolution,
    rows::{
        jobs, quotes, receipts,
        releases::{Column, Entity, Model},
        sealed_answers, usage_records,
    },
    words::{Place, count, expect_rows, instant, json, word},
};

impl Releases<'_> {
    /// Takes the decision of a gate, whose signature was checked. The same decision again changes nothing and
    /// returns the job as it is.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when the gate was not asked for such a release,
    /// [`StorageError::Decision`] when the decision is about something else, or came after another one, or
    /// too late.
    pub async fn decide(
        self,
        gate: GateId,
        decision: &ReleaseDecision,
        now: DateTime<Utc>,
    ) -> Result<Job, StorageError> {
        self.0.write(|tx| async move { take(&tx, gate, decision, now).await }).await
    }
}

async fn take(
    tx: &DatabaseTransaction,
    gate: GateId,
    decision: &ReleaseDecision,
    now: DateTime<Utc>,
) -> Result<Job, StorageError> {
    let id = decision.decision.body.release;
    let job = find(tx, gate, id).await?.job;
    let job: JobId = Place { table: TABLE, id: &id.to_string() }.text("job", &job)?;
    // Whatever changes a release holds its job, so what is read from here on stays.
    let mut job = lock(tx, job).await?;
    let release = find(tx, gate, id).await?;
    let expected = expected(tx, gate, id, &job.job).await?;
    rules::check(decision, &expected)?;
    if already_taken(&release, id, decision)? {
        return Ok(job.job);
    }
    let (resolution, state) = match &decision.decision.body.outcome {
        Outcome::Released { .. } => {
            job.job.release(instant(now))?;
            (Resolution::Capture, ReleaseState::Released)
        }
        Outcome::Refused { reason, detail } => {
            job.job.refuse(rules::problem(*reason, detail), instant(now))?;
            (Resolution::Void, ReleaseState::Refused)
        }
    };
    record(tx, id, state, decision, now).await?;
    if let Some(sealed) = &decision.sealed {
        insert_answer(tx, &job.job, sealed, now).await?;
        insert_usage(tx, &job, now).await?;
    }
    finish(tx, &job, resolution, now).await
}

async fn find(tx: &DatabaseTransaction, gate: GateId, release: ReleaseId) -> Result<Model, StorageError> {
    let row =
        Entity::find_by_id(release.to_string()).filter(Column::Gate.eq(gate.to_string())).one(tx).await?;
    row.ok_or_else(|| StorageError::not_found("release", release))
}

/// Whether this very decision was taken before.
fn already_taken(row: &Model, release: ReleaseId, decision: &ReleaseDecision) -> Result<bool, StorageError> {
    let place = Place { table: TABLE, id: &row.id };
    let state: ReleaseState = place.word("state", &row.state)?;
    if state == ReleaseState::Pending {
        return Ok(false);
    }
    let before: Option<ReleaseDecision> =
        row.decision.as_deref().map(|text| place.json("decision", text)).transpose()?;
    if before.is_some_and(|before| before.decision == decision.decision) {
        return Ok(true);
    }
    Err(DecisionError::Decided { release, state }.into())
}

async fn expected(
    tx: &DatabaseTransaction,
    gate: GateId,
    release: ReleaseId,
    job: &Job,
) -> Result<Expected, StorageError> {
    let id = job.id.to_string();
    let row = jobs::Entity::find_by_id(id.clone()).one(tx).await?;
    let row = row.ok_or_else(|| StorageError::not_found("job", job.id))?;
    let acceptance: Signed<Acceptance> =
        Place { table: "jobs", id: &id }.json("acceptance", &row.acceptance)?;
    let receipt = receipts::Entity::find_by_id(id.clone()).one(tx).await?;
    let receipt = receipt.ok_or_else(|| StorageError::not_found("receipt of job", job.id))?;
    let receipt: Digest = Place { table: "receipts", id: &id }.text("digest", &receipt.digest)?;
    Ok(Expected { release, gate, receipt, query: job.query, recipient: acceptance.body.recipient })
}

async fn record(
    tx: &DatabaseTransaction,
    release: ReleaseId,
    state: ReleaseState,
    decision: &ReleaseDecision,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(word("state", &state)?))
        .col_expr(Column::Decision, Expr::value(json("decision", decision)?))
        .col_expr(Column::DecidedAt, Expr::value(instant(now)))
        .filter(Column::Id.eq(release.to_string()))
        .filter(Column::State.eq(word("state", &ReleaseState::Pending)?))
        .exec(tx)
        .await?;
    expect_rows(TABLE, release, 1, changed.rows_affected)
}

async fn insert_answer(
    tx: &DatabaseTransaction,
    job: &Job,
    sealed: &SealedAnswer,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let row = sealed_answers::ActiveModel {
        release: Set(sealed.release.to_string()),
        job: Set(job.id.to_string()),
        answer: Set(json("answer", sealed)?),
        created_at: Set(instant(now)),
    };
    let inserted = sealed_answers::Entity::insert(row).exec_without_returning(tx).await?;
    expect_rows("sealed_answers", sealed.release, 1, inserted)
}

async fn insert_usage(
    tx: &DatabaseTransaction,
    job: &Versioned,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let job = &job.job;
    let quote = quotes::Entity::find_by_id(job.quote.to_string()).one(tx).await?;
    let quote = quote.ok_or_else(|| StorageError::not_found("quote", job.quote))?;
    let quote: Signed<Quote> = Place { table: "quotes", id: &quote.id }.json("quote", &quote.quote)?;
    let row = usage_records::ActiveModel {
        job: Set(job.id.to_string()),
        listing: Set(job.listing.to_string()),
        buyer: Set(job.buyer.to_string()),
        owner: Set(job.owner.to_string()),
        units: Set(count("units", quote.body.units.get())?),
        released_values: Set(count("values", quote.body.released_values)?),
        price: Set(job.price.as_minor()),
        currency: Set(job.currency.to_string()),
        created_at: Set(instant(now)),
    };
    let inserted = usage_records::Entity::insert(row).exec_without_returning(tx).await?;
    expect_rows("usage_records", job.id, 1, inserted)
}
