//! Errors of the gate, and the two ways in which a decision stops early.

use std::path::PathBuf;

use sordino_fhe::error::FheError;
use sordino_protocol::{
    canonical::CanonicalError, receipt::RefusalReason, release_values::CombineError, sealed::SealError,
};

use crate::ClientError;

/// What keeps a gate from deciding. None of these is a decision.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// Another process holds the profile's gate.
    #[error("another gate is running on this profile ({0}): stop it first")]
    Running(PathBuf),
    /// The journal failed.
    #[error("the gate's journal: {0}")]
    Journal(#[from] sqlx::Error),
    /// A row of the journal is damaged.
    #[error("the gate's journal: release {release}: {reason}")]
    JournalRow {
        /// Which.
        release: String,
        /// What is wrong.
        reason: String,
    },
    /// The noise library refused.
    #[error("noise: {0}")]
    Noise(String),
}

/// Something is wrong with the request itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: RefusalReason,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(reason: RefusalReason, detail: impl std::fmt::Display) -> Self {
        Self { reason, detail: detail.to_string() }
    }
}

/// Why a decision stops early: by refusing, or by trying again later.
#[derive(Debug)]
pub(super) enum Stop {
    Refuse(Refusal),
    Later(ClientError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}
impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self::Later(error)
    }
}
impl From<GateError> for Stop {
    fn from(error: GateError) -> Self {
        Self::Later(error.into())
    }
}
impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Later(GateError::from(error).into())
    }
}
impl From<CanonicalError> for Stop {
    fn from(error: CanonicalError) -> Self {
        Refusal::new(RefusalReason::NotAuthentic, error).into()
    }
}
impl From<CombineError> for Stop {
    fn from(error: CombineError) -> Self {
        // The message names a value that was decrypted, and a refusal is read by the platform.
        let detail = match error {
            CombineError::Implausible { .. } => "an output contradicts the public bounds".to_owned(),
            other => other.to_string(),
        };
        Refusal::new(RefusalReason::BadCiphertext, detail).into()
    }
}
impl From<SealError> for Stop {
    fn from(error: SealError) -> Self {
        Refusal::new(RefusalReason::NotAuthentic, error).into()
    }
}
impl From<FheError> for Stop {
    fn from(error: FheError) -> Self {
        match error {
            FheError::Source(_) | FheError::Cancelled => Self::Later(error.into()),
            other => Refusal::new(RefusalReason::BadCiphertext, other).into(),
        }
    }
}
