//! Stable problem codes of `/v1`: what programs may rely on in `application/problem+json`.

use serde::{Deserialize, Serialize};

/// An error as RFC 9457 writes it, with our members `code` and `retryable`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `https://sordino.dev/problems/` and the code: an identifier, not a page.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong here, where, and what would be right.
    pub detail: String,
    /// The stable code.
    pub code: ProblemCode,
    /// Whether the same request may succeed later, unchanged.
    pub retryable: bool,
    /// The request's id, to be quoted to the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The request cannot be read.
    Malformed,
    /// The body is larger than allowed.
    TooLarge,
    /// No or no valid credentials.
    Unauthenticated,
    /// Valid credentials that may not do this.
    Forbidden,
    /// There is no such thing, or it is somebody else's.
    NotFound,
    /// It exists already, or is in another state.
    Conflict,
    /// The `Idempotency-Key` was used with another request.
    IdempotencyMismatch,
    /// A POST that moves money came without `Idempotency-Key`.
    IdempotencyKeyMissing,
    /// Too many requests.
    RateLimited,
    /// The client has used up what the vendor of a model allows in a day; `Retry-After` says when there is more.
    QuotaExceeded,
    /// The model cannot be evaluated on encrypted inputs.
    ModelUnsupported,
    /// The SQL cannot be read.
    SqlSyntax,
    /// The SQL names a column the listing does not have.
    UnknownColumn,
    /// A constant or a column has the wrong type.
    TypeMismatch,
    /// The SQL is valid but cannot be answered on encrypted data.
    SqlUnsupported,
    /// No layout can answer the query within its bounds.
    NoPlan,
    /// The listing's policy forbids the query.
    PolicyRefused,
    /// The quote's time is over.
    QuoteExpired,
    /// The quote was accepted before.
    QuoteUsed,
    /// The buyer's prepaid balance is too small.
    InsufficientBalance,
    /// A signature does not match.
    BadSignature,
    /// The bytes do not have the stated digest or length.
    DigestMismatch,
    /// The manifest is not acceptable.
    BadManifest,
    /// A ciphertext or key is malformed, oversized or of another parameter set.
    BadCiphertext,
    /// Objects of the manifest are missing.
    MissingObjects,
    /// No gate serves the listing at present.
    NoGate,
    /// The operation cannot be done now; try again.
    Unavailable,
    /// Something failed on our side.
    Internal,
}
