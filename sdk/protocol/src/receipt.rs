//! Receipts: what the platform says it computed, and what the gate says it released.

mod prediction;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::prediction::PredictionReceipt;

use crate::{
    canonical::Canonical,
    cost::{ComputeUnits, OperationCounts},
    digest::{Digest, Purpose},
    ids::{GateId, JobId, ListingId, ReleaseId},
    money::{Amount, Currency},
    parameters::ParameterSet,
    policy::Epsilon,
    signature::Signed,
};

/// What was computed; signed by the platform. Programs are deterministic, so whoever holds the
/// ciphertexts can run one again and compare `outputs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The job.
    pub job: JobId,
    /// The listing.
    pub listing: ListingId,
    /// Digest of the manifest.
    pub dataset: Digest,
    /// Merkle root of the dataset version's objects.
    pub root: Digest,
    /// Digest of the query.
    pub query: Digest,
    /// Digest of the accepted quote.
    pub quote: Digest,
    /// Digest of the program.
    pub program: Digest,
    /// The set of the ciphertexts.
    pub parameter_set: ParameterSet,
    /// Digest of the evaluation-key object, if the layout has one.
    pub evaluation_keys: Option<Digest>,
    /// Digest of the output ciphertexts.
    pub outputs: Digest,
    /// What was done.
    pub operations: OperationCounts,
    /// Metered size.
    pub units: ComputeUnits,
    /// What it cost.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// When the evaluation ended.
    #[serde(with = "crate::quote::rfc3339")]
    pub evaluated_at: DateTime<Utc>,
}

/// What a gate decided about a release; signed by the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The release.
    pub release: ReleaseId,
    /// The gate.
    pub gate: GateId,
    /// Digest of the platform's receipt.
    pub receipt: Digest,
    /// What it decided.
    pub outcome: Outcome,
    /// When it decided.
    #[serde(with = "crate::quote::rfc3339")]
    pub decided_at: DateTime<Utc>,
}

/// A gate's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// An answer was sealed to the buyer.
    Released {
        /// Digest of the sealed answer's bytes (its HPKE ciphertext).
        sealed: Digest,
        /// Epsilon debited.
        epsilon: Epsilon,
        /// Whether the gate evaluated the program again and found the same outputs.
        reevaluated: bool,
    },
    /// Nothing left the gate.
    Refused {
        /// Why.
        reason: RefusalReason,
        /// The same for people.
        detail: String,
    },
}

/// Why a gate refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The gate does not know the dataset version.
    UnknownDataset,
    /// A signature, digest or key does not match.
    NotAuthentic,
    /// The program does not follow from the query.
    ProgramMismatch,
    /// Evaluated again, the outputs differ.
    OutputMismatch,
    /// The ciphertexts are not acceptable.
    BadCiphertext,
    /// The policy forbids the query.
    Policy,
    /// The lineage's epsilon is spent.
    EpsilonExhausted,
}

/// A receipt as buyers keep it: the platform's word and, once released, the gate's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullReceipt {
    /// By the platform.
    pub receipt: Signed<Receipt>,
    /// By the gate.
    pub decision: Option<Signed<Decision>>,
}

impl Canonical for Receipt {
    const PURPOSE: Purpose = Purpose::Receipt;
}
impl Canonical for Decision {
    const PURPOSE: Purpose = Purpose::Decision;
}
