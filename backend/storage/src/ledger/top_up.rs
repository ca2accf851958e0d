//! Money from outside.

use chrono::{DateTime, Utc};
use sea_orm::EntityTrait;
use sordino_domain::ledger::{Head, top_up};
use sordino_protocol::{
    api::Balance,
    digest::Digest,
    ids::{AccountId, TransactionId},
    money::{Amount, Currency},
};

use super::{Ledger, balance, post::post};
use crate::{
    error::StorageError,
    idempotency::{IdempotencyKey, Request, Seen, claim},
    rows::accounts,
};

/// Money received outside, for a buyer.
#[derive(Debug, Clone)]
pub struct Credit {
    /// Id of the transaction, unless the request was seen before.
    pub transaction: TransactionId,
    /// Whom.
    pub account: AccountId,
    /// How much; above zero.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// For the statement.
    pub memo: String,
    /// The operator's name for the request.
    pub key: IdempotencyKey,
    /// Digest of the request.
    pub request: Digest,
}

impl Ledger<'_> {
    /// Credits a buyer and returns what he has. The same request again credits nothing more.
    ///
    /// # Errors
    /// [`StorageError::IdempotencyMismatch`], [`StorageError::NotFound`] for an unknown account,
    /// [`StorageError::LedgerRule`] for an amount that is not above zero.
    pub async fn top_up(
        self,
        operator: AccountId,
        credit: Credit,
        now: DateTime<Utc>,
    ) -> Result<Balance, StorageError> {
        let credit = &credit;
        self.0
            .write(|tx| async move {
                let account = credit.account;
                let request = Request { account: operator, key: &credit.key, digest: credit.request };
                if let Seen::First = claim(&tx, &request, credit.transaction.to_string(), now).await? {
                    let known = accounts::Entity::find_by_id(account.to_string()).one(tx.as_ref()).await?;
                    known.ok_or_else(|| StorageError::not_found("account", account))?;
                    let memo = if credit.memo.is_empty() { "top-up" } else { credit.memo.as_str() };
                    let head = Head { id: credit.transaction, memo: memo.to_owned(), job: None, at: now };
                    post(&tx, &top_up(head, account, credit.amount, credit.currency)?).await?;
                }
                balance(tx.as_ref(), account, credit.currency).await
            })
            .await
    }
}
