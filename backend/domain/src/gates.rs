//! Gates: the owner's processes that hold the keys. The platform knows their public keys only.

use chrono::{DateTime, Utc};
use sordino_protocol::{
    ids::{AccountId, GateId},
    signature::VerifyingKey,
};

/// A gate an owner has enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Its id.
    pub id: GateId,
    /// Whose data it releases.
    pub owner: AccountId,
    /// Signs its decisions; one key, one gate.
    pub key: VerifyingKey,
    /// For people.
    pub name: String,
    /// When it was enrolled first.
    pub created_at: DateTime<Utc>,
}
