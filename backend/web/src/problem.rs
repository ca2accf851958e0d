//! Errors as `application/problem+json`: the one place where an error becomes a code and a status.
//!
//! Every match here is exhaustive, so that a new error cannot be answered by accident. What went wrong on
//! our side is logged with its cause and answered without it.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    error::{JsonPayloadError, PayloadError},
    http::{StatusCode, header},
};
use sordino_domain::{
    accounts::AccountError, api_keys::ApiKeyError, jobs::JobError, ledger::HoldError, listings::ListingError,
    models::ModelError, quotes::QuoteError, releases::DecisionError,
};
use sordino_engine::{
    ask::AskError, executor::EngineError, explain::ExplainError, planner::PlanError, policy::PolicyRefusal,
    predictor::OfferError,
};
use sordino_frontend_templates::RenderError;
use sordino_protocol::{
    api::QuestionError,
    canonical::CanonicalError,
    manifest::ManifestError,
    money::MoneyError,
    policy::PolicyError,
    problem::{Problem, ProblemCode},
    query::QueryError,
    signature::SignatureError,
};
use sordino_storage::StorageError;

use crate::auth::{password::PasswordError, session::SessionError};

/// What a handler may fail with.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The request cannot be read.
    #[error("{detail}")]
    Malformed {
        /// What was wrong and what would be right.
        detail: String,
    },
    /// The body is too large.
    #[error("the body is larger than {limit} bytes, the most this route takes")]
    TooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// No credentials, or none we know.
    #[error("{reason}")]
    Unauthenticated {
        /// What was wrong with them.
        reason: &'static str,
    },
    /// The session token is not accepted.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The API key has a wrong shape.
    #[error(transparent)]
    ApiKey(#[from] ApiKeyError),
    /// Valid credentials that may not do this.
    #[error("{reason}")]
    Forbidden {
        /// What would be needed.
        reason: &'static str,
    },
    /// There is no such thing for this caller.
    #[error("there is no such {what}, or it is not yours")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
    },
    /// The path exists, the method does not.
    #[error("this path does not take {method}")]
    Method {
        /// The method.
        method: String,
    },
    /// Not possible in the present state.
    #[error("{reason}")]
    Conflict {
        /// Why.
        reason: &'static str,
    },
    /// A POST that moves money came without a key.
    #[error("this request moves money: send the header Idempotency-Key, a new random value for each intent")]
    IdempotencyKeyMissing,
    /// Too many requests.
    #[error("too many requests: try again in {retry_after_s} seconds")]
    RateLimited {
        /// When it may be tried again.
        retry_after_s: u64,
    },
    /// Neither SQL nor a query, or both.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// The question is not answered.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// No layout answers the query.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The policy forbids the query.
    #[error(transparent)]
    Refused(#[from] PolicyRefusal),
    /// An amount is wrong or too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A signature does not match.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A value has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// The manifest is not acceptable.
    #[error("manifest: {0}")]
    Manifest(#[from] ManifestError),
    /// The policy makes no sense.
    #[error("policy: {0}")]
    Policy(#[from] PolicyError),
    /// A listing cannot be so.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// An address or a password cannot be so.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A model does not predict, or not so.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model cannot be offered.
    #[error("model: {0}")]
    Offer(#[from] OfferError),
    /// An evaluation for a waiting client failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A decision does not count.
    #[error(transparent)]
    Decision(#[from] DecisionError),
    /// From storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A password could not be hashed or checked.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A page could not be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// Something cannot happen, and did.
    #[error("{0}")]
    Bug(&'static str),
    /// A handler panicked.
    #[error("a handler panicked")]
    Panicked,
}

/// The result of a handler.
pub type WebResult<T> = Result<T, WebError>;

impl WebError {
    /// The request cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::Malformed { detail: detail.into() }
    }

    /// The stable code.
    pub fn code(&self) -> ProblemCode {
        match self {
            Self::Malformed { .. } | Self::Method { .. } | Self::Question(QuestionError) => {
                ProblemCode::Malformed
            }
            Self::TooLarge { .. } => ProblemCode::TooLarge,
            Self::Unauthenticated { .. } | Self::ApiKey(_) => ProblemCode::Unauthenticated,
            Self::Session(error) => match error {
                SessionError::Invalid | SessionError::Expired => ProblemCode::Unauthenticated,
                SessionError::Sign(_) => ProblemCode::Internal,
            },
            Self::Forbidden { .. } => ProblemCode::Forbidden,
            Self::NotFound { .. } => ProblemCode::NotFound,
            Self::Conflict { .. } => ProblemCode::Conflict,
            Self::IdempotencyKeyMissing => ProblemCode::IdempotencyKeyMissing,
            Self::RateLimited { .. } => ProblemCode::RateLimited,
            Self::Ask(error) => ask(error),
            Self::Plan(PlanError { .. }) => ProblemCode::NoPlan,
            Self::Refused(refusal) => match refusal {
                PolicyRefusal::TooManyValues { .. }
                | PolicyRefusal::Hidden
                | PolicyRefusal::Veil(_)
                | PolicyRefusal::Epsilon { .. } => ProblemCode::PolicyRefused,
            },
            Self::Money(error) => match error {
                MoneyError::Currency(_) | MoneyError::Amount(_) | MoneyError::Overflow => {
                    ProblemCode::Malformed
                }
            },
            Self::Signature(error) => signature(error),
            Self::Canonical(error) => canonical(error),
            Self::Manifest(error) => match error {
                ManifestError::Schema(_)
                | ManifestError::Root
                | ManifestError::Objects
                | ManifestError::Sandbox
                | ManifestError::NoLayout
                | ManifestError::Version(_)
                | ManifestError::Layout { .. } => ProblemCode::BadManifest,
            },
            Self::Policy(error) => match error {
                PolicyError::MinCohort
                | PolicyError::Epsilon
                | PolicyError::Delta
                | PolicyError::Hidden
                | PolicyError::ReleasedValues => ProblemCode::Malformed,
            },
            Self::Listing(error) => listing(error),
            Self::Account(error) => match error {
                AccountError::Email
                | AccountError::PasswordTooShort(_)
                | AccountError::PasswordTooLong(_) => ProblemCode::Malformed,
            },
            Self::Model(error) => model(error),
            Self::Offer(error) => match error {
                OfferError::Program(_) | OfferError::TooLarge { .. } | OfferError::Set => {
                    ProblemCode::ModelUnsupported
                }
                OfferError::Canonical(error) => canonical(error),
            },
            Self::Engine(error) => engine(error),
            Self::Decision(error) => decision(error),
            Self::Storage(error) => storage(error),
            Self::Stopping => ProblemCode::Unavailable,
            Self::Password(error) => match error {
                PasswordError::Stopping => ProblemCode::Unavailable,
                PasswordError::Cost(_) | PasswordError::Hash(_) | PasswordError::Stored => {
                    ProblemCode::Internal
                }
            },
            Self::Render(_) | Self::Bug(_) | Self::Panicked => ProblemCode::Internal,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Storage(StorageError::RangeNotSatisfiable { .. }) => StatusCode::RANGE_NOT_SATISFIABLE,
            other => status(other.code()),
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub fn retryable(&self) -> bool {
        let by_code = retryable(self.code());
        match self {
            Self::Storage(error) => by_code || error.is_retryable(),
            _ => by_code,
        }
    }

    /// The problem as it is sent.
    pub fn problem(&self, request_id: Option<String>) -> Problem {
        let (code, status) = (self.code(), self.status());
        let detail = match status {
            StatusCode::INTERNAL_SERVER_ERROR => {
                "something failed on our side; it was recorded under the request id".to_owned()
            }
            StatusCode::SERVICE_UNAVAILABLE => "this cannot be done now: try again shortly".to_owned(),
            _ => self.to_string(),
        };
        Problem {
            kind: format!("https://sordino.dev/problems/{}", Name(code)),
            title: title(code).to_owned(),
            status: status.as_u16(),
            detail,
            code,
            retryable: self.retryable(),
            request_id,
        }
    }

    /// The response, with the request's id.
    pub fn response(&self, request_id: Option<String>) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match self {
            Self::RateLimited { retry_after_s } => {
                response.insert_header((header::RETRY_AFTER, *retry_after_s));
            }
            Self::Storage(StorageError::RangeNotSatisfiable { size }) => {
                response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}")));
            }
            Self::Model(ModelError::Exhausted { retry_after_s, .. })
            | Self::Storage(StorageError::Model(ModelError::Exhausted { retry_after_s, .. })) => {
                response.insert_header((header::RETRY_AFTER, *retry_after_s));
            }
            other if other.status() == StatusCode::UNAUTHORIZED => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            other if other.status() == StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((header::RETRY_AFTER, 1));
            }
            _ => {}
        }
        let body = serde_json::to_vec(&self.problem(request_id)).unwrap_or_default();
        response.content_type("application/problem+json").body(body)
    }
}

impl From<ExplainError> for WebError {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Ask(error) => error.into(),
            ExplainError::Policy(error) => error.into(),
            ExplainError::Plan(error) => error.into(),
            ExplainError::Money(error) => error.into(),
            ExplainError::Canonical(error) => error.into(),
            // The planner has dropped every program that does.
            ExplainError::Bound(_) => Self::Bug("a planned program exceeds a bound"),
        }
    }
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.response(None)
    }
}

/// The error of a body that could not be read, under a limit of so many bytes.
pub fn payload(error: &PayloadError, limit: u64) -> WebError {
    match error {
        PayloadError::Overflow => WebError::TooLarge { limit },
        PayloadError::Incomplete(_)
        | PayloadError::EncodingCorrupted
        | PayloadError::UnknownLength
        | PayloadError::Http2Payload(_)
        | PayloadError::Io(_) => WebError::malformed(format!("the body ended early: {error}")),
        other => WebError::malformed(format!("the body cannot be read: {other}")),
    }
}

/// The error of a JSON body.
pub fn json(error: &JsonPayloadError, limit: u64) -> WebError {
    match error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            WebError::TooLarge { limit }
        }
        JsonPayloadError::ContentType => WebError::malformed("expected Content-Type: application/json"),
        JsonPayloadError::Deserialize(error) => {
            WebError::malformed(format!("the JSON does not fit: {error}"))
        }
        JsonPayloadError::Payload(error) => payload(error, limit),
        other => WebError::malformed(format!("the body cannot be read: {other}")),
    }
}

fn ask(error: &AskError) -> ProblemCode {
    match error {
        AskError::Sql(error) => error.code(),
        AskError::Version { .. } => ProblemCode::Conflict,
        AskError::Query(error) => match error {
            QueryError::Parts { .. }
            | QueryError::Comparisons(_)
            | QueryError::Overlapping(_)
            | QueryError::Score { .. }
            | QueryError::ScoreParts { .. } => ProblemCode::TooLarge,
            QueryError::OutputCount(_)
            | QueryError::UnknownColumn(_)
            | QueryError::NotADimension(_)
            | QueryError::NotAMeasure(_)
            | QueryError::NotGrouped(_)
            | QueryError::GroupKeys(_)
            | QueryError::Classes(_)
            | QueryError::GroupCount(_)
            | QueryError::Computed(_)
            | QueryError::Value { .. }
            | QueryError::TooFine(_)
            | QueryError::TooLarge(_)
            | QueryError::NotCollected
            | QueryError::Percentile(_)
            | QueryError::EmptyBand { .. }
            | QueryError::ScoreCodes { .. }
            | QueryError::Compared { .. }
            | QueryError::ScoreTree { .. }
            | QueryError::ScoreSplit { .. }
            | QueryError::Scores(_)
            | QueryError::NotNormal
            | QueryError::Label => ProblemCode::Malformed,
        },
    }
}

fn signature(error: &SignatureError) -> ProblemCode {
    match error {
        SignatureError::Mismatch { .. } | SignatureError::WrongSigner { .. } => ProblemCode::BadSignature,
        SignatureError::Malformed { .. } => ProblemCode::Malformed,
        SignatureError::Canonical(error) => canonical(error),
    }
}

fn canonical(error: &CanonicalError) -> ProblemCode {
    match error {
        CanonicalError::Number(_) | CanonicalError::Json(_) => ProblemCode::Malformed,
    }
}

fn listing(error: &ListingError) -> ProblemCode {
    match error {
        ListingError::Title(_) | ListingError::Description(_) => ProblemCode::Malformed,
        ListingError::NotNext { .. }
        | ListingError::NotFirst(_)
        | ListingError::OtherLineage { .. }
        | ListingError::NotAppended(_)
        | ListingError::Withdrawn(_) => ProblemCode::Conflict,
    }
}

fn model(error: &ModelError) -> ProblemCode {
    match error {
        ModelError::Quota | ModelError::Samples { .. } => ProblemCode::Malformed,
        ModelError::Withdrawn(_) | ModelError::Form { .. } | ModelError::Price { .. } => {
            ProblemCode::Conflict
        }
        ModelError::Exhausted { .. } => ProblemCode::QuotaExceeded,
    }
}

/// Programs are the platform's own and keys were read before: what FHE refuses now are the inputs.
fn engine(error: &EngineError) -> ProblemCode {
    match error {
        EngineError::Fhe(_) => ProblemCode::BadCiphertext,
        EngineError::Busy | EngineError::Cancelled | EngineError::Store { .. } => ProblemCode::Unavailable,
        EngineError::NoLayout(_)
        | EngineError::Missing(_)
        | EngineError::Damaged { .. }
        | EngineError::Panicked
        | EngineError::Plan(_)
        | EngineError::Threads { .. } => ProblemCode::Internal,
    }
}

fn decision(error: &DecisionError) -> ProblemCode {
    match error {
        DecisionError::Mismatch { .. } | DecisionError::Answer { .. } => ProblemCode::Malformed,
        DecisionError::Decided { .. } => ProblemCode::Conflict,
    }
}

fn quote(error: &QuoteError) -> ProblemCode {
    match error {
        QuoteError::Expired { .. } => ProblemCode::QuoteExpired,
        QuoteError::Used { .. } => ProblemCode::QuoteUsed,
    }
}

fn storage(error: &StorageError) -> ProblemCode {
    match error {
        StorageError::NotFound { .. } => ProblemCode::NotFound,
        StorageError::Conflict { .. } => ProblemCode::Conflict,
        StorageError::IdempotencyMismatch => ProblemCode::IdempotencyMismatch,
        StorageError::Quote(error) => quote(error),
        StorageError::InsufficientBalance { .. } => ProblemCode::InsufficientBalance,
        StorageError::Job(JobError::Illegal { .. } | JobError::LeaseLost { .. }) => ProblemCode::Conflict,
        StorageError::Hold(HoldError { .. }) => ProblemCode::Conflict,
        StorageError::Listing(error) => listing(error),
        StorageError::Model(error) => model(error),
        StorageError::Decision(error) => decision(error),
        StorageError::DigestMismatch { .. } => ProblemCode::DigestMismatch,
        StorageError::LengthMismatch { .. } => ProblemCode::BadManifest,
        StorageError::TooLarge { .. } => ProblemCode::TooLarge,
        StorageError::MissingObjects(_) => ProblemCode::MissingObjects,
        StorageError::RangeNotSatisfiable { .. } | StorageError::UploadInterrupted { .. } => {
            ProblemCode::Malformed
        }
        StorageError::Canonical(error) => canonical(error),
        StorageError::StorageFull | StorageError::Busy { .. } | StorageError::Unavailable(_) => {
            ProblemCode::Unavailable
        }
        StorageError::LedgerRule(_)
        | StorageError::BadRow { .. }
        | StorageError::RowCount { .. }
        | StorageError::OutOfRange { .. }
        | StorageError::Encode { .. }
        | StorageError::Db(_)
        | StorageError::Object(_)
        | StorageError::Sync(_)
        | StorageError::UnsupportedDatabase { .. } => ProblemCode::Internal,
    }
}

/// The status of a code.
pub const fn status(code: ProblemCode) -> StatusCode {
    match code {
        ProblemCode::Malformed | ProblemCode::IdempotencyKeyMissing => StatusCode::BAD_REQUEST,
        ProblemCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ProblemCode::Forbidden | ProblemCode::PolicyRefused => StatusCode::FORBIDDEN,
        ProblemCode::NotFound => StatusCode::NOT_FOUND,
        ProblemCode::Conflict
        | ProblemCode::QuoteUsed
        | ProblemCode::QuoteExpired
        | ProblemCode::MissingObjects
        | ProblemCode::NoGate => StatusCode::CONFLICT,
        ProblemCode::RateLimited | ProblemCode::QuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
        ProblemCode::InsufficientBalance => StatusCode::PAYMENT_REQUIRED,
        ProblemCode::IdempotencyMismatch
        | ProblemCode::SqlSyntax
        | ProblemCode::UnknownColumn
        | ProblemCode::TypeMismatch
        | ProblemCode::SqlUnsupported
        | ProblemCode::NoPlan
        | ProblemCode::ModelUnsupported
        | ProblemCode::BadSignature
        | ProblemCode::DigestMismatch
        | ProblemCode::BadManifest
        | ProblemCode::BadCiphertext => StatusCode::UNPROCESSABLE_ENTITY,
        ProblemCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ProblemCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the same request may succeed later, unchanged.
pub const fn retryable(code: ProblemCode) -> bool {
    match code {
        ProblemCode::RateLimited
        | ProblemCode::QuotaExceeded
        | ProblemCode::NoGate
        | ProblemCode::Unavailable
        | ProblemCode::Internal => true,
        ProblemCode::Malformed
        | ProblemCode::TooLarge
        | ProblemCode::Unauthenticated
        | ProblemCode::Forbidden
        | ProblemCode::NotFound
        | ProblemCode::Conflict
        | ProblemCode::IdempotencyMismatch
        | ProblemCode::IdempotencyKeyMissing
        | ProblemCode::SqlSyntax
        | ProblemCode::UnknownColumn
        | ProblemCode::TypeMismatch
        | ProblemCode::SqlUnsupported
        | ProblemCode::NoPlan
        | ProblemCode::ModelUnsupported
        | ProblemCode::PolicyRefused
        | ProblemCode::QuoteExpired
        | ProblemCode::QuoteUsed
        | ProblemCode::InsufficientBalance
        | ProblemCode::BadSignature
        | ProblemCode::DigestMismatch
        | ProblemCode::BadManifest
        | ProblemCode::BadCiphertext
        | ProblemCode::MissingObjects => false,
    }
}

/// The code in words.
pub const fn title(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::Malformed => "The request cannot be read",
        ProblemCode::TooLarge => "The request is too large",
        ProblemCode::Unauthenticated => "Credentials are needed",
        ProblemCode::Forbidden => "Not allowed",
        ProblemCode::NotFound => "Not found",
        ProblemCode::Conflict => "Not possible in the present state",
        ProblemCode::IdempotencyMismatch => "The Idempotency-Key belongs to another request",
        ProblemCode::IdempotencyKeyMissing => "An Idempotency-Key is needed",
        ProblemCode::RateLimited => "Too many requests",
        ProblemCode::QuotaExceeded => "The quota of the vendor is used up",
        ProblemCode::ModelUnsupported => "The model cannot be evaluated on encrypted inputs",
        ProblemCode::SqlSyntax => "The SQL cannot be read",
        ProblemCode::UnknownColumn => "Unknown column",
        ProblemCode::TypeMismatch => "Types do not match",
        ProblemCode::SqlUnsupported => "Not answerable on encrypted data",
        ProblemCode::NoPlan => "No layout can answer this",
        ProblemCode::PolicyRefused => "The policy forbids this",
        ProblemCode::QuoteExpired => "The quote has expired",
        ProblemCode::QuoteUsed => "The quote was accepted before",
        ProblemCode::InsufficientBalance => "The balance is too small",
        ProblemCode::BadSignature => "A signature does not match",
        ProblemCode::DigestMismatch => "The bytes do not have the stated digest",
        ProblemCode::BadManifest => "The manifest is not acceptable",
        ProblemCode::BadCiphertext => "A ciphertext is not acceptable",
        ProblemCode::MissingObjects => "Objects are missing",
        ProblemCode::NoGate => "No gate serves the listing",
        ProblemCode::Unavailable => "Not possible now",
        ProblemCode::Internal => "Something failed on our side",
    }
}

/// A code as its JSON has it.
struct Name(ProblemCode);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use serde::Serialize;
        self.0.serialize(f)
    }
}
