//! Holds: money set aside for one job. A hold is resolved once, whatever happens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sordino_protocol::{
    ids::{AccountId, HoldId, JobId},
    money::{Amount, Currency},
};

use crate::pricing::BasisPoints;

/// Money set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// For which job; one hold a job.
    pub job: JobId,
    /// Whose money.
    pub buyer: AccountId,
    /// To whom it goes when captured.
    pub owner: AccountId,
    /// How much.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The platform's share when captured.
    pub fee: BasisPoints,
    /// Whether and how it was resolved.
    pub state: HoldState,
    /// When that was.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// Whether and how a hold was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Not yet.
    Held,
    /// Paid to owner and platform.
    Captured,
    /// Given back to the buyer.
    Voided,
}

/// The hold was resolved before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("hold {hold} of job {job} is {state:?} already")]
pub struct HoldError {
    /// Which.
    pub hold: HoldId,
    /// For which job.
    pub job: JobId,
    /// How it was resolved.
    pub state: HoldState,
}

impl Hold {
    /// The price is due.
    ///
    /// # Errors
    /// When resolved before.
    pub fn capture(&mut self, at: DateTime<Utc>) -> Result<(), HoldError> {
        self.resolve(HoldState::Captured, at)
    }

    /// The price is not due.
    ///
    /// # Errors
    /// When resolved before.
    pub fn void(&mut self, at: DateTime<Utc>) -> Result<(), HoldError> {
        self.resolve(HoldState::Voided, at)
    }

    fn resolve(&mut self, to: HoldState, at: DateTime<Utc>) -> Result<(), HoldError> {
        if self.state != HoldState::Held {
            return Err(HoldError { hold: self.id, job: self.job, state: self.state });
        }
        self.state = to;
        self.resolved_at = Some(at);
        Ok(())
    }
}
