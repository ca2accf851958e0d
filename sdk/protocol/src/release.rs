//! What platform and gate say to each other about one release, and how a gate is enrolled.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::Canonical,
    digest::{Digest, Purpose},
    ids::{AccountId, GateId, JobId, ListingId, ReleaseId},
    query::Query,
    quote::{Acceptance, Quote},
    receipt::{Decision, Receipt},
    schema::ColumnId,
    sealed::SealedAnswer,
    signature::{Signed, VerifyingKey},
};

/// The claim of a gate's key to serve an owner; signed by the gate's key, sent by the owner's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The owner.
    pub owner: AccountId,
    /// The gate's public key.
    pub gate_key: VerifyingKey,
    /// A name for people.
    pub name: String,
}

/// A request to release the answer of one job. Output ciphertexts are fetched separately by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// Its id.
    pub id: ReleaseId,
    /// The gate it is for.
    pub gate: GateId,
    /// The job.
    pub job: JobId,
    /// The listing.
    pub listing: ListingId,
    /// The buyer's account.
    pub buyer: AccountId,
    /// The whole query; of a hidden model, the query without the conditions of its classes.
    pub query: Query,
    /// What else the gate is told of a hidden model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<HiddenModel>,
    /// The quote, signed by the platform.
    pub quote: Signed<Quote>,
    /// The acceptance, signed by the buyer's account key.
    pub acceptance: Signed<Acceptance>,
    /// The receipt, signed by the platform.
    pub receipt: Signed<Receipt>,
    /// The object with the output ciphertexts.
    pub outputs: Digest,
}

/// A model that the gate does not see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenModel {
    /// Digest of the whole query, which buyer and platform signed for.
    pub query: Digest,
    /// The columns that the model looks at, as the platform says.
    pub inputs: Vec<ColumnId>,
}

/// What the gate answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseDecision {
    /// Signed by the gate.
    pub decision: Signed<Decision>,
    /// Present exactly when released.
    pub sealed: Option<SealedAnswer>,
}

impl Canonical for Enrolment {
    const PURPOSE: Purpose = Purpose::Enrolment;
}
