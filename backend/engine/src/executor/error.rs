//! Why an evaluation did not end with outputs.

use sordino_fhe::error::{FheError, SourceError};
use sordino_protocol::{digest::Digest, layout::LayoutKind};

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It was cancelled.
    #[error("the evaluation was cancelled")]
    Cancelled,
    /// The program is for a layout that the dataset version does not have.
    #[error("the dataset version has no layout {0:?}")]
    NoLayout(LayoutKind),
    /// An object of the manifest is not stored.
    #[error("object {0} is missing")]
    Missing(Digest),
    /// A stored object is not what its name says.
    #[error("object {digest} is damaged: {reason}")]
    Damaged {
        /// Its name.
        digest: Digest,
        /// What is wrong.
        reason: String,
    },
    /// The object store failed.
    #[error("the object store failed on {digest}: {source}")]
    Store {
        /// What was read.
        digest: Digest,
        /// What it said.
        #[source]
        source: object_store::Error,
    },
    /// The evaluation itself failed.
    #[error(transparent)]
    Fhe(FheError),
    /// The evaluation panicked.
    #[error("the evaluation failed unexpectedly")]
    Panicked,
    /// The plan of a scan could not be executed, for a reason that is not in the data.
    #[error("the scan could not be executed: {0}")]
    Plan(#[source] Box<datafusion::error::DataFusionError>),
    /// Too much waits to be evaluated already.
    #[error("too many requests wait to be evaluated: try again in a moment")]
    Busy,
    /// There are no threads to evaluate on.
    #[error("the evaluation threads cannot be started: {reason}")]
    Threads {
        /// What the operating system said.
        reason: String,
    },
}

impl EngineError {
    /// Whether the same evaluation may succeed later: only storage may have recovered.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Store { .. }
            | Self::Fhe(FheError::Source(SourceError::Io(_)))
            | Self::Threads { .. }
            | Self::Busy => true,
            Self::Cancelled
            | Self::NoLayout(_)
            | Self::Missing(_)
            | Self::Damaged { .. }
            | Self::Fhe(_)
            | Self::Plan(_)
            | Self::Panicked => false,
        }
    }
}

impl From<FheError> for EngineError {
    fn from(error: FheError) -> Self {
        match error {
            FheError::Cancelled | FheError::Source(SourceError::Cancelled) => Self::Cancelled,
            other => Self::Fhe(other),
        }
    }
}
