//! Writing transactions, and placing and resolving holds. Only called inside a transaction of the database.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use sordino_domain::{
    ledger::{self as rules, Entry, Hold, HoldState, Transaction},
    models::Sale,
};
use sordino_protocol::{
    api::LedgerKind,
    ids::{JobId, TransactionId},
    money::Amount,
};

use super::amount;
use crate::{
    error::StorageError,
    jobs::fee,
    rows::{balances, holds, ledger_entries as entries, ledger_transactions as transactions},
    words::{Place, expect_rows, instant, word},
};

/// What becomes of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// It is paid to owner and platform.
    Capture,
    /// It is given back.
    Void,
}

/// Writes a transaction and moves the balances with it. One that moves nothing leaves no trace.
pub(super) async fn post(tx: &DatabaseTransaction, transaction: &Transaction) -> Result<(), StorageError> {
    if transaction.entries().is_empty() {
        return Ok(());
    }
    let head = transactions::ActiveModel {
        id: Set(transaction.id().to_string()),
        memo: Set(transaction.memo().to_owned()),
        job: Set(transaction.job().map(|job| job.to_string())),
        created_at: Set(instant(transaction.at())),
    };
    let inserted = transactions::Entity::insert(head).exec_without_returning(tx).await?;
    expect_rows("ledger_transactions", transaction.id(), 1, inserted)?;
    let mut lines = Vec::new();
    for (line, entry) in (0i32..).zip(transaction.entries()) {
        lines.push(entries::ActiveModel {
            transaction_id: Set(transaction.id().to_string()),
            line: Set(line),
            holder: Set(entry.holder.to_string()),
            kind: Set(word("kind", &entry.kind)?),
            amount: Set(entry.amount.as_minor()),
            currency: Set(entry.currency.to_string()),
        });
    }
    let expected = lines.len() as u64;
    let inserted = entries::Entity::insert_many(lines).exec_without_returning(tx).await?;
    expect_rows("ledger_entries", transaction.id(), expected, inserted)?;
    // In one order for all transactions, so that two never wait for each other.
    let mut sorted: Vec<&Entry> = transaction.entries().iter().collect();
    sorted.sort_by_key(|entry| (entry.holder.to_string(), entry.kind as u8, entry.currency));
    for entry in sorted {
        add(tx, entry).await?;
    }
    Ok(())
}

/// Adds an entry to its balance.
async fn add(tx: &DatabaseTransaction, entry: &Entry) -> Result<(), StorageError> {
    use balances::{Column, Entity};
    let (holder, kind) = (entry.holder.to_string(), word("kind", &entry.kind)?);
    let zero = balances::ActiveModel {
        holder: Set(holder.clone()),
        kind: Set(kind.clone()),
        currency: Set(entry.currency.to_string()),
        amount: Set(0),
    };
    let fresh = OnConflict::columns([Column::Holder, Column::Kind, Column::Currency]).do_nothing().to_owned();
    Entity::insert(zero).on_conflict(fresh).exec_without_returning(tx).await?;
    let change = entry.amount.as_minor();
    // The change itself asks whether there is enough: two that spend at the same time cannot both find so.
    let mut enough = Condition::all();
    if !rules::may_be_negative(entry.kind) {
        enough = enough.add(Expr::col(Column::Amount).add(change).gte(0));
    }
    let changed = Entity::update_many()
        .col_expr(Column::Amount, Expr::col(Column::Amount).add(change))
        .filter(Column::Holder.eq(&holder))
        .filter(Column::Kind.eq(&kind))
        .filter(Column::Currency.eq(entry.currency.to_string()))
        .filter(enough)
        .exec(tx)
        .await?;
    if changed.rows_affected == 0 && entry.kind == LedgerKind::BuyerPrepaid {
        return Err(StorageError::InsufficientBalance {
            needed: Amount::minor(change.saturating_neg()),
            available: amount(tx, entry.holder, entry.kind, entry.currency).await?,
            currency: entry.currency,
        });
    }
    expect_rows("balances", holder, 1, changed.rows_affected)
}

/// Pays predictions.
pub(crate) async fn pay(
    tx: &DatabaseTransaction,
    sale: &Sale,
    now: DateTime<Utc>,
) -> Result<Option<TransactionId>, StorageError> {
    let payment = rules::prediction(sale, now)?;
    post(tx, &payment).await?;
    Ok(Some(payment.id()).filter(|_| !payment.entries().is_empty()))
}

/// Sets the price of a job aside.
pub(crate) async fn place_hold(
    tx: &DatabaseTransaction,
    hold: &Hold,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let row = holds::ActiveModel {
        id: Set(hold.id.to_string()),
        job: Set(hold.job.to_string()),
        buyer: Set(hold.buyer.to_string()),
        owner: Set(hold.owner.to_string()),
        amount: Set(hold.amount.as_minor()),
        currency: Set(hold.currency.to_string()),
        fee: Set(i32::from(hold.fee.get())),
        state: Set(word("state", &hold.state)?),
        created_at: Set(instant(now)),
        resolved_at: Set(None),
    };
    let inserted = holds::Entity::insert(row).exec_without_returning(tx).await?;
    expect_rows("holds", hold.id, 1, inserted)?;
    post(tx, &rules::hold(hold, now)?).await
}

/// Resolves the hold of a job; a second time is refused by the rules, by the row and by the ledger's keys.
pub(crate) async fn settle(
    tx: &DatabaseTransaction,
    job: JobId,
    resolution: Resolution,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    use holds::{Column, Entity};
    let row = Entity::find().filter(Column::Job.eq(job.to_string())).lock_exclusive().one(tx).await?;
    let mut hold = Hold::try_from(row.ok_or_else(|| StorageError::not_found("hold of job", job))?)?;
    let transaction = match resolution {
        Resolution::Capture => {
            hold.capture(instant(now))?;
            rules::capture(&hold, now)?
        }
        Resolution::Void => {
            hold.void(instant(now))?;
            rules::void(&hold, now)?
        }
    };
    let changed = Entity::update_many()
        .col_expr(Column::State, Expr::value(word("state", &hold.state)?))
        .col_expr(Column::ResolvedAt, Expr::value(hold.resolved_at))
        .filter(Column::Id.eq(hold.id.to_string()))
        .filter(Column::State.eq(word("state", &HoldState::Held)?))
        .exec(tx)
        .await?;
    expect_rows("holds", hold.id, 1, changed.rows_affected)?;
    post(tx, &transaction).await
}

impl TryFrom<holds::Model> for Hold {
    type Error = StorageError;

    fn try_from(row: holds::Model) -> Result<Self, StorageError> {
        let place = Place { table: "holds", id: &row.id };
        Ok(Self {
            id: place.text("id", &row.id)?,
            job: place.text("job", &row.job)?,
            buyer: place.text("buyer", &row.buyer)?,
            owner: place.text("owner", &row.owner)?,
            amount: Amount::minor(row.amount),
            currency: place.text("currency", &row.currency)?,
            fee: fee(&place, row.fee)?,
            state: place.word("state", &row.state)?,
            resolved_at: row.resolved_at,
        })
    }
}
