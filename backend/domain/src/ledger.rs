//! The ledger: double entry in integer minor units. A transaction is a set of entries that add up to zero in
//! every currency, and it is never changed; a mistake is corrected by another transaction.

mod holds;
mod movements;

pub use holds::{Hold, HoldError, HoldState};
pub use movements::{
    Movement, capture, hold, hold_id, job_transaction, prediction, prediction_transaction, top_up, void,
};

use std::{collections::BTreeMap, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use sordino_protocol::{
    api::LedgerKind,
    ids::{AccountId, IdError, JobId, TransactionId},
    money::{Amount, Currency, MoneyError},
};

/// Whose a ledger account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// A buyer's or an owner's.
    Account(AccountId),
    /// The platform's own.
    Platform,
}

/// A movement on one ledger account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub holder: Holder,
    /// Which.
    pub kind: LedgerKind,
    /// Positive adds to it.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
}

/// A balanced set of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    id: TransactionId,
    memo: String,
    job: Option<JobId>,
    at: DateTime<Utc>,
    entries: Vec<Entry>,
}

/// What is written about a transaction besides its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its id.
    pub id: TransactionId,
    /// For people.
    pub memo: String,
    /// The job it is about.
    pub job: Option<JobId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why entries are no transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// They do not add up to zero.
    #[error("transaction {transaction}: entries in {currency} add up to {sum}, expected zero")]
    Unbalanced {
        /// Which.
        transaction: TransactionId,
        /// In which currency.
        currency: Currency,
        /// To what instead.
        sum: Amount,
    },
    /// A ledger account of the platform was given to an account, or the other way round.
    #[error("transaction {transaction}: {kind:?} cannot belong to this holder")]
    Holder {
        /// Which.
        transaction: TransactionId,
        /// The ledger account.
        kind: LedgerKind,
    },
    /// An amount that must be positive is not.
    #[error("transaction {transaction}: {amount} is not an amount that can be moved")]
    NotPositive {
        /// Which.
        transaction: TransactionId,
        /// The amount.
        amount: Amount,
    },
    /// A sum does not fit.
    #[error("transaction {transaction}: a sum is too large")]
    Overflow {
        /// Which.
        transaction: TransactionId,
    },
}

/// Whether such a ledger account belongs to the platform itself.
pub const fn is_platforms(kind: LedgerKind) -> bool {
    matches!(kind, LedgerKind::PlatformRevenue | LedgerKind::ProcessorClearing)
}

/// Whether its balance may be below zero: only the far side of money from outside.
pub const fn may_be_negative(kind: LedgerKind) -> bool {
    matches!(kind, LedgerKind::ProcessorClearing)
}

impl Transaction {
    /// Makes a transaction of entries; those of nothing are left out, so that one about nothing is empty.
    ///
    /// # Errors
    /// When the entries do not add up to zero in each currency, or a holder cannot have such an account.
    pub fn new(head: Head, entries: impl IntoIterator<Item = Entry>) -> Result<Self, LedgerError> {
        let transaction = head.id;
        let entries: Vec<_> = entries.into_iter().filter(|entry| entry.amount != Amount::ZERO).collect();
        let mut sums = BTreeMap::<Currency, Amount>::new();
        for entry in &entries {
            if is_platforms(entry.kind) != (entry.holder == Holder::Platform) {
                return Err(LedgerError::Holder { transaction, kind: entry.kind });
            }
            let sum = sums.entry(entry.currency).or_default();
            let plus: Result<_, MoneyError> = sum.plus(entry.amount);
            *sum = plus.map_err(|_| LedgerError::Overflow { transaction })?;
        }
        if let Some((currency, sum)) = sums.into_iter().find(|(_, sum)| *sum != Amount::ZERO) {
            return Err(LedgerError::Unbalanced { transaction, currency, sum });
        }
        Ok(Self { id: head.id, memo: head.memo, job: head.job, at: head.at, entries })
    }

    /// Its id.
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// For people.
    pub fn memo(&self) -> &str {
        &self.memo
    }

    /// The job it is about.
    pub const fn job(&self) -> Option<JobId> {
        self.job
    }

    /// When.
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// The entries; none when nothing moves.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => account.fmt(f),
            Self::Platform => f.write_str("platform"),
        }
    }
}

impl FromStr for Holder {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == "platform" { Ok(Self::Platform) } else { text.parse().map(Self::Account) }
    }
}

#[cfg(test)]
mod tests;
