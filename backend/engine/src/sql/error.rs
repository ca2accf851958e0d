//! Why a text is not a query: always with the fragment, the reason and what to write instead.

use sordino_protocol::{problem::ProblemCode, query::QueryError};

/// What is wrong with a buyer's SQL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The text is longer than anybody writes by hand.
    #[error("the SQL has {bytes} bytes: at most {limit} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Too many words and operators, or nested too deep.
    #[error("the SQL is too complex ({reason}): ask a shorter question")]
    TooComplex {
        /// Which limit it exceeds.
        reason: String,
    },
    /// The text is not SQL.
    #[error("the SQL cannot be read: {message}")]
    Syntax {
        /// The parser's words, with the place.
        message: String,
    },
    /// The table in FROM is not the listing's.
    #[error("`{fragment}`: there is no such table; the table of this listing is `{table}`")]
    UnknownTable {
        /// The name as written.
        fragment: String,
        /// The name of the listing's table.
        table: String,
    },
    /// A column that cannot be asked about.
    #[error("`{fragment}`: {reason}{}", hint_text(hint))]
    UnknownColumn {
        /// The name as written.
        fragment: String,
        /// Why.
        reason: String,
        /// The nearest names, or how to write it.
        hint: Option<String>,
    },
    /// Values of two types are compared, or a condition is none.
    #[error("`{fragment}`: {reason}{}", hint_text(hint))]
    TypeMismatch {
        /// The expression.
        fragment: String,
        /// What does not fit what.
        reason: String,
        /// What would fit.
        hint: Option<String>,
    },
    /// Valid SQL that cannot be answered on encrypted data.
    #[error("`{fragment}`: {reason}{}", hint_text(hint))]
    Unsupported {
        /// The part that is refused.
        fragment: String,
        /// Why.
        reason: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// The query that came out is not well formed.
    #[error("{error}")]
    Query {
        /// What is wrong with it.
        #[source]
        error: QueryError,
    },
    /// The SQL front end failed on this text.
    #[error("the SQL front end failed on this text: write the question another way")]
    Failed,
}

fn hint_text(hint: &Option<String>) -> String {
    hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default()
}

impl SqlError {
    /// The stable code of `/v1`.
    pub const fn code(&self) -> ProblemCode {
        match self {
            Self::TooLong { .. } => ProblemCode::TooLarge,
            Self::Syntax { .. } => ProblemCode::SqlSyntax,
            Self::UnknownColumn { .. } => ProblemCode::UnknownColumn,
            Self::TypeMismatch { .. } => ProblemCode::TypeMismatch,
            Self::TooComplex { .. }
            | Self::UnknownTable { .. }
            | Self::Unsupported { .. }
            | Self::Query { .. }
            | Self::Failed => ProblemCode::SqlUnsupported,
        }
    }

    /// The part of the text that is refused, if it can be named.
    pub fn fragment(&self) -> Option<&str> {
        match self {
            Self::UnknownTable { fragment, .. }
            | Self::UnknownColumn { fragment, .. }
            | Self::TypeMismatch { fragment, .. }
            | Self::Unsupported { fragment, .. } => Some(fragment),
            Self::TooLong { .. }
            | Self::TooComplex { .. }
            | Self::Syntax { .. }
            | Self::Query { .. }
            | Self::Failed => None,
        }
    }

    /// The same refusal of a larger part of the text.
    pub(super) fn within(self, shown: &str) -> Self {
        let fragment = shorten(shown);
        match self {
            Self::Unsupported { reason, hint, .. } => Self::Unsupported { fragment, reason, hint },
            Self::TypeMismatch { reason, hint, .. } => Self::TypeMismatch { fragment, reason, hint },
            other => other,
        }
    }

    pub(super) fn unsupported(fragment: impl ToString, reason: impl Into<String>, hint: &str) -> Self {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self::Unsupported { fragment: shorten(&fragment.to_string()), reason: reason.into(), hint }
    }

    pub(super) fn mismatch(fragment: impl ToString, reason: impl Into<String>, hint: &str) -> Self {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self::TypeMismatch { fragment: shorten(&fragment.to_string()), reason: reason.into(), hint }
    }
}

/// At most 160 characters of a fragment.
pub(super) fn shorten(text: &str) -> String {
    const LENGTH: usize = 160;
    if text.chars().count() <= LENGTH {
        return text.to_owned();
    }
    text.chars().take(LENGTH).chain(['…']).collect()
}
