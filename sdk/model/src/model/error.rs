//! What is wrong with a model, and where.

use crate::limits::TooLarge;

/// A model that is not well formed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It is larger than accepted.
    #[error("the model has {0}")]
    TooLarge(#[from] TooLarge),
    /// It is not our format.
    #[error("not a model in our format: {0}")]
    Format(String),
    /// A part of it is wrong.
    #[error("{place}: {reason}")]
    Part {
        /// Which part.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
}

impl ModelError {
    pub(crate) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Part { place: place.into(), reason: reason.into() }
    }
}

/// `outer 3, inner 5`.
pub(super) fn place(outer: &str, index: usize, inner: &str, number: usize) -> String {
    format!("{outer} {index}, {inner} {number}")
}
