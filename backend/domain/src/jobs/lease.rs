//! Leases: the right to work on a job for a while. A worker that dies loses it by doing nothing.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Proof of a lease; a new one for every attempt.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseToken(Uuid);

/// The text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a lease token: expected 32 hexadecimal digits")]
pub struct LeaseTokenError;

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its proof.
    pub token: LeaseToken,
    /// Who works, for people.
    pub worker: String,
    /// From this instant on another worker may take the job.
    pub until: DateTime<Utc>,
}

impl LeaseToken {
    /// From a random UUID.
    pub const fn new(random: Uuid) -> Self {
        Self(random)
    }
}

impl fmt::Display for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

impl fmt::Debug for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseToken(redacted)")
    }
}

impl FromStr for LeaseToken {
    type Err = LeaseTokenError;

    fn from_str(text: &str) -> Result<Self, LeaseTokenError> {
        if text.len() != 32 {
            return Err(LeaseTokenError);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| LeaseTokenError)
    }
}
