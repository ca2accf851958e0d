//! Receipts of predictions: what the platform says it evaluated, on which bytes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    canonical::Canonical,
    digest::{Digest, Purpose},
    ids::{AccountId, ModelId, PredictionId},
    money::{Amount, Currency},
    parameters::ParameterSet,
};

/// What was evaluated and paid; signed by the platform. Outputs are blinded with fresh noise, so an
/// evaluation cannot be repeated bit by bit: the receipt binds the platform to model, program, inputs
/// and outputs, and the vendor who holds the model can check the scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionReceipt {
    /// The prediction.
    pub prediction: PredictionId,
    /// For whom.
    pub client: AccountId,
    /// Of which model listing.
    pub listing: ModelId,
    /// Digest of the model in integers.
    pub model: Digest,
    /// Digest of the program.
    pub program: Digest,
    /// The set of keys, inputs and outputs.
    pub parameter_set: ParameterSet,
    /// Object digest of the registered keys.
    pub keys: Digest,
    /// Object digest of the encrypted inputs.
    pub inputs: Digest,
    /// Object digest of the encrypted scores.
    pub outputs: Digest,
    /// Rows that were paid for.
    pub samples: u32,
    /// What they cost.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Milliseconds of evaluation.
    pub evaluate_ms: u64,
    /// When the evaluation ended.
    #[serde(with = "crate::quote::rfc3339")]
    pub evaluated_at: DateTime<Utc>,
}

impl Canonical for PredictionReceipt {
    const PURPOSE: Purpose = Purpose::PredictionReceipt;
}
