//! The transactions there are.

use chrono::{DateTime, Utc};
use sordino_protocol::{
    api::LedgerKind,
    ids::{AccountId, HoldId, JobId, PredictionId, TransactionId},
    money::{Amount, Currency},
};
use uuid::Uuid;

use super::{Entry, Head, Hold, Holder, LedgerError, Transaction};
use crate::models::Sale;

/// What can happen to the money of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Movement {
    /// It is set aside.
    Hold,
    /// It is paid.
    Capture,
    /// It is given back.
    Void,
}

/// The id of a movement of a job. It follows from the job, so that a movement made twice meets its own
/// primary key, and it keeps the time in the job's id.
pub fn job_transaction(job: JobId, movement: Movement) -> TransactionId {
    let name = match movement {
        Movement::Hold => "hold",
        Movement::Capture => "capture",
        Movement::Void => "void",
    };
    TransactionId::new(derive(job.uuid(), name))
}

/// The id of the payment of a prediction; it follows from the prediction, as that of a job's movement.
pub fn prediction_transaction(prediction: PredictionId) -> TransactionId {
    TransactionId::new(derive(prediction.uuid(), "the payment"))
}

/// The id of a job's hold.
pub fn hold_id(job: JobId) -> HoldId {
    HoldId::new(derive(job.uuid(), "the hold"))
}

fn derive(from: Uuid, name: &str) -> Uuid {
    let hash = blake3::derive_key("sordino v1 ledger id", &[from.as_bytes(), name.as_bytes()].concat());
    let mut bytes = *from.as_bytes();
    bytes[6..].copy_from_slice(&hash[..10]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Money from outside becomes a buyer's.
///
/// # Errors
/// When the amount is not above zero.
pub fn top_up(
    head: Head,
    account: AccountId,
    amount: Amount,
    currency: Currency,
) -> Result<Transaction, LedgerError> {
    if amount <= Amount::ZERO {
        return Err(LedgerError::NotPositive { transaction: head.id, amount });
    }
    let entry = |holder, kind, amount| Entry { holder, kind, amount, currency };
    let entries = [
        entry(Holder::Account(account), LedgerKind::BuyerPrepaid, amount),
        entry(Holder::Platform, LedgerKind::ProcessorClearing, negated(&head, amount)?),
    ];
    Transaction::new(head, entries)
}

/// A buyer's money is set aside. A price of nothing is allowed, and moves nothing.
///
/// # Errors
/// When the amount is negative.
pub fn hold(hold: &Hold, at: DateTime<Utc>) -> Result<Transaction, LedgerError> {
    let head = head(hold, Movement::Hold, "price held", at);
    let minus = taken(&head, hold)?;
    let buyer = Holder::Account(hold.buyer);
    let entry = |kind, amount| Entry { holder: buyer, kind, amount, currency: hold.currency };
    let entries = [entry(LedgerKind::BuyerPrepaid, minus), entry(LedgerKind::BuyerHold, hold.amount)];
    Transaction::new(head, entries)
}

/// What was set aside is paid: the platform's share rounded down, the rest to the owner.
///
/// # Errors
/// When the amount is negative.
pub fn capture(hold: &Hold, at: DateTime<Utc>) -> Result<Transaction, LedgerError> {
    let head = head(hold, Movement::Capture, "answer released", at);
    let minus = taken(&head, hold)?;
    let split = hold.fee.split(hold.amount).map_err(|_| LedgerError::Overflow { transaction: head.id })?;
    let entry = |holder, kind, amount| Entry { holder, kind, amount, currency: hold.currency };
    let entries = [
        entry(Holder::Account(hold.buyer), LedgerKind::BuyerHold, minus),
        entry(Holder::Account(hold.owner), LedgerKind::OwnerPayable, split.owner),
        entry(Holder::Platform, LedgerKind::PlatformRevenue, split.platform),
    ];
    Transaction::new(head, entries)
}

/// What was set aside is the buyer's again.
///
/// # Errors
/// When the amount is negative.
pub fn void(hold: &Hold, at: DateTime<Utc>) -> Result<Transaction, LedgerError> {
    let head = head(hold, Movement::Void, "price given back", at);
    let minus = taken(&head, hold)?;
    let buyer = Holder::Account(hold.buyer);
    let entry = |kind, amount| Entry { holder: buyer, kind, amount, currency: hold.currency };
    let entries = [entry(LedgerKind::BuyerHold, minus), entry(LedgerKind::BuyerPrepaid, hold.amount)];
    Transaction::new(head, entries)
}

/// Predictions are paid as they are delivered: the platform's share rounded down, the rest to the vendor.
/// A price of nothing is allowed, and moves nothing.
///
/// # Errors
/// When the price is negative.
pub fn prediction(sale: &Sale, at: DateTime<Utc>) -> Result<Transaction, LedgerError> {
    let id = prediction_transaction(sale.id);
    let plural = if sale.samples == 1 { "" } else { "s" };
    let head =
        Head { id, memo: format!("{} prediction{plural} of {}", sale.samples, sale.model), job: None, at };
    if sale.price.is_negative() {
        return Err(LedgerError::NotPositive { transaction: id, amount: sale.price });
    }
    let split = sale.fee.split(sale.price).map_err(|_| LedgerError::Overflow { transaction: id })?;
    let entry = |holder, kind, amount| Entry { holder, kind, amount, currency: sale.currency };
    let entries = [
        entry(Holder::Account(sale.client), LedgerKind::BuyerPrepaid, negated(&head, sale.price)?),
        entry(Holder::Account(sale.vendor), LedgerKind::OwnerPayable, split.owner),
        entry(Holder::Platform, LedgerKind::PlatformRevenue, split.platform),
    ];
    Transaction::new(head, entries)
}

fn head(hold: &Hold, movement: Movement, memo: &str, at: DateTime<Utc>) -> Head {
    Head { id: job_transaction(hold.job, movement), memo: memo.to_owned(), job: Some(hold.job), at }
}

fn taken(head: &Head, hold: &Hold) -> Result<Amount, LedgerError> {
    if hold.amount.is_negative() {
        return Err(LedgerError::NotPositive { transaction: head.id, amount: hold.amount });
    }
    negated(head, hold.amount)
}

fn negated(head: &Head, amount: Amount) -> Result<Amount, LedgerError> {
    Amount::ZERO.minus(amount).map_err(|_| LedgerError::Overflow { transaction: head.id })
}
