//! Money: immutable entries in double entry, and the balances that are their sums. Both are written in one
//! transaction, and a prepaid balance below zero is refused by the database itself.

mod audit;
mod post;
mod top_up;

pub use audit::{Audit, Finding};
pub use top_up::Credit;

pub(crate) use post::{Resolution, pay, place_hold, settle};

use sea_orm::{
    ConnectionTrait, EntityTrait,
    sea_query::{Expr, ExprTrait, JoinType, Order, Query},
};
use sordino_domain::ledger::Holder;
use sordino_protocol::{
    api::{Balance, LedgerKind, StatementEntry},
    ids::AccountId,
    money::{Amount, Currency},
};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::{balances, ledger_entries as entries, ledger_transactions as transactions},
    words::{Place, word},
};

/// Money, see [`Storage::ledger`].
#[derive(Debug, Clone, Copy)]
pub struct Ledger<'a>(pub(crate) &'a Storage);

impl Ledger<'_> {
    /// What an account has.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn balance(self, account: AccountId, currency: Currency) -> Result<Balance, StorageError> {
        balance(self.0.reader(), account, currency).await
    }

    /// What moved on an account, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn statement(
        self,
        account: AccountId,
        limit: u64,
    ) -> Result<Vec<StatementEntry>, StorageError> {
        let mut select = Query::select();
        select
            .columns([
                (entries::Entity, entries::Column::TransactionId),
                (entries::Entity, entries::Column::Kind),
                (entries::Entity, entries::Column::Amount),
                (entries::Entity, entries::Column::Currency),
            ])
            .columns([
                (transactions::Entity, transactions::Column::Memo),
                (transactions::Entity, transactions::Column::Job),
                (transactions::Entity, transactions::Column::CreatedAt),
            ])
            .from(entries::Entity)
            .join(
                JoinType::InnerJoin,
                transactions::Entity,
                Expr::col((entries::Entity, entries::Column::TransactionId))
                    .equals((transactions::Entity, transactions::Column::Id)),
            )
            .and_where(
                Expr::col((entries::Entity, entries::Column::Holder))
                    .eq(Holder::Account(account).to_string()),
            )
            .order_by((transactions::Entity, transactions::Column::CreatedAt), Order::Desc)
            .order_by((entries::Entity, entries::Column::TransactionId), Order::Desc)
            .order_by((entries::Entity, entries::Column::Line), Order::Asc)
            .limit(limit);
        let rows = self.0.reader().query_all(&select).await?;
        rows.iter().map(statement_entry).collect()
    }
}

fn statement_entry(row: &sea_orm::QueryResult) -> Result<StatementEntry, StorageError> {
    let id: String = row.try_get("", "transaction_id")?;
    let place = Place { table: "ledger_entries", id: &id };
    let job: Option<String> = row.try_get("", "job")?;
    Ok(StatementEntry {
        transaction: place.text("transaction_id", &id)?,
        ledger: place.word("kind", &row.try_get::<String>("", "kind")?)?,
        amount: Amount::minor(row.try_get("", "amount")?),
        currency: place.text("currency", &row.try_get::<String>("", "currency")?)?,
        memo: row.try_get("", "memo")?,
        job: job.as_deref().map(|job| place.text("job", job)).transpose()?,
        at: row.try_get("", "created_at")?,
    })
}

/// What an account has.
async fn balance<C: ConnectionTrait>(
    connection: &C,
    account: AccountId,
    currency: Currency,
) -> Result<Balance, StorageError> {
    Ok(Balance {
        account,
        currency,
        prepaid: amount(connection, Holder::Account(account), LedgerKind::BuyerPrepaid, currency).await?,
        held: amount(connection, Holder::Account(account), LedgerKind::BuyerHold, currency).await?,
        payable: amount(connection, Holder::Account(account), LedgerKind::OwnerPayable, currency).await?,
    })
}

/// The balance of one ledger account.
async fn amount<C: ConnectionTrait>(
    connection: &C,
    holder: Holder,
    kind: LedgerKind,
    currency: Currency,
) -> Result<Amount, StorageError> {
    let key = (holder.to_string(), word("kind", &kind)?, currency.to_string());
    let row = balances::Entity::find_by_id(key).one(connection).await?;
    Ok(row.map_or(Amount::ZERO, |row| Amount::minor(row.amount)))
}
