//! Releases: what a gate's decision must say to count.

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    api::JobProblem,
    digest::Digest,
    ids::{GateId, ReleaseId},
    problem::ProblemCode,
    receipt::{Outcome, RefusalReason},
    release::ReleaseDecision,
    sealed::RecipientKey,
};

/// Where a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseState {
    /// The gate has not decided.
    Pending,
    /// The answer is there.
    Released,
    /// The gate refused.
    Refused,
    /// Nobody waits for it any more.
    Expired,
}

/// What a decision must refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The release.
    pub release: ReleaseId,
    /// Its gate.
    pub gate: GateId,
    /// Digest of the platform's receipt.
    pub receipt: Digest,
    /// Digest of the query.
    pub query: Digest,
    /// To whom the answer is sealed.
    pub recipient: RecipientKey,
}

/// Why a decision does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// It is about another release, gate, receipt, query or recipient.
    #[error("the decision on release {release} names another {what}")]
    Mismatch {
        /// Which release.
        release: ReleaseId,
        /// What differs.
        what: &'static str,
    },
    /// Released without an answer, or refused with one.
    #[error("the decision on release {release} must carry a sealed answer exactly when it releases")]
    Answer {
        /// Which release.
        release: ReleaseId,
    },
    /// The gate decided otherwise before, or nobody waits any more.
    #[error("release {release} is {state:?} already")]
    Decided {
        /// Which release.
        release: ReleaseId,
        /// How.
        state: ReleaseState,
    },
}

/// Checks a decision whose signature was checked.
///
/// # Errors
/// When it refers to something else, or the answer is missing or superfluous.
pub fn check(decision: &ReleaseDecision, expected: &Expected) -> Result<(), DecisionError> {
    let body = &decision.decision.body;
    let release = expected.release;
    let same =
        |equal: bool, what| if equal { Ok(()) } else { Err(DecisionError::Mismatch { release, what }) };
    same(body.release == release, "release")?;
    same(body.gate == expected.gate, "gate")?;
    same(body.receipt == expected.receipt, "receipt")?;
    match (&body.outcome, &decision.sealed) {
        (Outcome::Released { sealed: digest, .. }, Some(sealed)) => {
            same(sealed.release == release, "release")?;
            same(sealed.query == expected.query, "query")?;
            same(sealed.recipient == expected.recipient, "recipient")?;
            same(sealed.digest() == *digest, "sealed answer")
        }
        (Outcome::Refused { .. }, None) => Ok(()),
        _ => Err(DecisionError::Answer { release }),
    }
}

/// What the buyer is told of a refusal.
pub fn problem(reason: RefusalReason, detail: &str) -> JobProblem {
    let code = match reason {
        RefusalReason::Policy | RefusalReason::EpsilonExhausted => ProblemCode::PolicyRefused,
        RefusalReason::NotAuthentic => ProblemCode::BadSignature,
        RefusalReason::BadCiphertext => ProblemCode::BadCiphertext,
        RefusalReason::UnknownDataset => ProblemCode::NoGate,
        RefusalReason::ProgramMismatch | RefusalReason::OutputMismatch => ProblemCode::Internal,
    };
    JobProblem { code, detail: detail.chars().take(500).collect() }
}
