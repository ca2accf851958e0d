//! Errors of this crate. What they display is safe to log and says what to do next.

use std::path::PathBuf;

use sordino_fhe::{error::FheError, keys::KeyFileError};
use sordino_protocol::{
    canonical::CanonicalError,
    digest::Digest,
    manifest::ManifestError,
    policy::PolicyError,
    problem::{Problem, ProblemCode},
    schema::SchemaError,
    sealed::SealError,
    signature::SignatureError,
    signature::VerifyingKey,
};

use crate::{
    auditions::AuditionError, gate::GateError, models::ModelsError, publish::PublishError,
    receipt::ReceiptError, sandbox::SandboxError, table::TableError, training::TrainingError,
};

/// What can go wrong in a workflow.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The platform refused, and said why.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// The platform answered with an error that is not a problem document.
    #[error("{method} {path}: the server answered {status} without saying why")]
    Http {
        /// Of the request.
        method: String,
        /// Of the request.
        path: String,
        /// HTTP status.
        status: u16,
    },
    /// The platform could not be reached, or the connection broke.
    #[error("{method} {path}: {server} cannot be reached: {reason}")]
    Network {
        /// Of the request.
        method: String,
        /// Of the request.
        path: String,
        /// Base address.
        server: String,
        /// The innermost cause.
        reason: String,
    },
    /// The answer of the platform is not what the contract says.
    #[error("{path}: the server's answer is not understood: {source}")]
    Answer {
        /// Of the request.
        path: String,
        /// Where it deviates.
        source: serde_json::Error,
    },
    /// More bytes than can be right.
    #[error("{what}: more than {limit} bytes; refused")]
    TooLarge {
        /// Of what.
        what: String,
        /// The most that is taken.
        limit: u64,
    },
    /// The server's address is no http(s) address.
    #[error("`{0}` is not an address of a server: expected http://host:port or https://host")]
    Address(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the profile is damaged.
    #[error("{path}: {reason}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The profile has no account yet.
    #[error("profile `{0}` is not signed in: run `sordino register` or `sordino login` first")]
    NotSignedIn(String),
    /// The profile has no keys yet.
    #[error("profile `{0}` has no keys: run `sordino keys init` first")]
    NoKeys(String),
    /// The profile has keys already; they are never overwritten.
    #[error("{0} exists already: keys are never overwritten; back it up and move it away first")]
    KeysExist(PathBuf),
    /// The profile has no gate yet.
    #[error("profile `{0}` has no gate: it is enrolled by the first `sordino publish`")]
    NoGate(String),
    /// A profile's name is not acceptable.
    #[error("`{0}` is not a profile name: use letters, digits, `-` and `_`, at most 64")]
    ProfileName(String),
    /// The profile belongs to another server.
    #[error("this profile belongs to {pinned}, not {asked}: use another --profile for another server")]
    OtherServer {
        /// Of the profile.
        pinned: String,
        /// As asked.
        asked: String,
    },
    /// The platform shows another key than at first contact.
    #[error(
        "the platform's key has changed from {} to {}: this may be an impostor. \
         Ask the operator; if it is right, edit `platform_key` in profile.toml",
        .pinned.fingerprint(), .actual.fingerprint()
    )]
    PlatformKeyChanged {
        /// As pinned.
        pinned: VerifyingKey,
        /// As shown now.
        actual: VerifyingKey,
    },
    /// The account has another signing key on the platform than in this profile.
    #[error(
        "the account is registered with key {}, but this profile holds {}: restore the right keys",
        .registered.fingerprint(), .held.fingerprint()
    )]
    OtherAccountKey {
        /// On the platform.
        registered: VerifyingKey,
        /// In the profile.
        held: VerifyingKey,
    },
    /// An object's bytes do not have its digest.
    #[error("object {expected}: the bytes received have digest {actual}")]
    ObjectDigest {
        /// As asked for.
        expected: Digest,
        /// As computed.
        actual: Digest,
    },
    /// The offer is not for what was asked, or not signed by the platform.
    #[error("the offer is not acceptable: {0}")]
    Offer(String),
    /// The answer is not to the question, or not readable.
    #[error("the opened answer is not acceptable: {0}")]
    OpenedAnswer(String),
    /// The price is above the limit.
    #[error("the price {price} is above the limit of {limit}")]
    Price {
        /// As quoted.
        price: String,
        /// As allowed.
        limit: String,
    },
    /// See [`AuditionError`].
    #[error(transparent)]
    Audition(#[from] AuditionError),
    /// See [`SandboxError`].
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// See [`TrainingError`].
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// See [`TableError`].
    #[error(transparent)]
    Table(#[from] TableError),
    /// See [`PublishError`].
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// See [`ModelsError`].
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// See [`GateError`].
    #[error(transparent)]
    Gate(#[from] GateError),
    /// See [`ReceiptError`].
    #[error("receipt: {0}")]
    Receipt(#[from] ReceiptError),
    /// See [`SchemaError`].
    #[error("schema: {0}")]
    Schema(#[from] SchemaError),
    /// See [`PolicyError`].
    #[error("policy: {0}")]
    Policy(#[from] PolicyError),
    /// See [`ManifestError`].
    #[error("manifest: {0}")]
    Manifest(#[from] ManifestError),
    /// See [`SignatureError`].
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// See [`CanonicalError`].
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// See [`SealError`].
    #[error(transparent)]
    Seal(#[from] SealError),
    /// See [`FheError`].
    #[error(transparent)]
    Fhe(#[from] FheError),
    /// See [`KeyFileError`].
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A background computation was stopped or panicked.
    #[error("the computation `{0}` did not finish")]
    Task(&'static str),
}

impl ClientError {
    /// The problem document, when the platform sent one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether no layout of the listing has room for what was asked.
    pub(crate) fn has_no_plan(&self) -> bool {
        self.problem().is_some_and(|problem| problem.code == ProblemCode::NoPlan)
    }

    /// Whether the same request may succeed later, unchanged.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Problem(problem) => problem.retryable,
            Self::Network { .. } => true,
            Self::Http { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// Whether it may succeed within seconds: a quota may last until tomorrow.
    pub fn passes_soon(&self) -> bool {
        let quota = self.problem().is_some_and(|problem| problem.code == ProblemCode::QuotaExceeded);
        self.is_retryable() && !quota
    }

    /// A file error with its path.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
