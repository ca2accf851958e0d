//! Quotes and their acceptance: the exact price before it is paid.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    canonical::Canonical,
    cost::{ComputeUnits, OperationCounts},
    digest::{Digest, Purpose},
    ids::{AccountId, ListingId, QuoteId},
    layout::LayoutKind,
    money::{Amount, Currency},
    parameters::ParameterSet,
    policy::Epsilon,
    sealed::RecipientKey,
    signature::VerifyingKey,
};

/// An exact offer; signed by the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// Its id.
    pub id: QuoteId,
    /// For whom.
    pub buyer: AccountId,
    /// Of what.
    pub listing: ListingId,
    /// Digest of the manifest of the dataset version.
    pub dataset: Digest,
    /// Digest of the query.
    pub query: Digest,
    /// Digest of the program.
    pub program: Digest,
    /// The layout chosen.
    pub layout: LayoutKind,
    /// The set of its ciphertexts.
    pub parameter_set: ParameterSet,
    /// What will be computed.
    pub operations: OperationCounts,
    /// Metered size of the operations.
    pub units: ComputeUnits,
    /// Number of values the answer may disclose: groups times released terms.
    pub released_values: u64,
    /// The exact price; also the hold.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Milliseconds of evaluation on this platform, estimated.
    pub expected_ms: u64,
    /// Standard deviation of the noise of each released term, in thousandths of the term's unit.
    pub noise_millis: Vec<u64>,
    /// Epsilon that the release will cost the lineage.
    pub epsilon: Epsilon,
    /// Whether the conditions of its classes are kept from the gate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// Digest of the policy these follow from.
    pub policy: Digest,
    /// When the offer ends.
    #[serde(with = "crate::quote::rfc3339")]
    pub expires_at: DateTime<Utc>,
}

/// A buyer's word that he pays the quote and wants the answer sealed to this key; signed with the
/// account key, and passed on to the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Digest of the accepted quote.
    pub quote: Digest,
    /// Digest of the query, as the buyer understands it.
    pub query: Digest,
    /// To whom the answer is sealed.
    pub recipient: RecipientKey,
}

/// A proof that an account holds a signing key: the key signs this when it is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyProof {
    /// The account that registers the key.
    pub account: AccountId,
    /// The key.
    pub key: VerifyingKey,
}

impl Canonical for Quote {
    const PURPOSE: Purpose = Purpose::Quote;
}
impl Canonical for Acceptance {
    const PURPOSE: Purpose = Purpose::Acceptance;
}
impl Canonical for KeyProof {
    const PURPOSE: Purpose = Purpose::KeyProof;
}

/// Times as RFC 3339 with milliseconds and `Z`, so that one instant has one canonical form.
pub mod rfc3339 {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes the instant.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// Reads an instant.
    ///
    /// # Errors
    /// When the text is no RFC 3339 instant.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(d)?;
        DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc()).map_err(de::Error::custom)
    }
}
