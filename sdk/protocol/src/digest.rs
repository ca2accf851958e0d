//! BLAKE3 digests with domain separation: bytes hashed as a query never collide with bytes hashed
//! as a receipt, because each purpose has its own derivation context.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What is being hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The bytes of a stored object; its digest is its name.
    Object,
    /// A leaf of a Merkle tree.
    MerkleLeaf,
    /// An inner node of a Merkle tree.
    MerkleNode,
    /// A canonical schema.
    Schema,
    /// A canonical policy.
    Policy,
    /// A canonical query.
    Query,
    /// A canonical program.
    Program,
    /// A canonical quote.
    Quote,
    /// A canonical acceptance.
    Acceptance,
    /// A canonical manifest.
    Manifest,
    /// A canonical receipt.
    Receipt,
    /// A canonical receipt of predictions.
    PredictionReceipt,
    /// A gate's decision.
    Decision,
    /// A gate's enrolment.
    Enrolment,
    /// An account's proof of holding a key.
    KeyProof,
    /// The plaintext of an answer.
    Answer,
    /// The ciphertexts a program produced.
    Output,
    /// A request, to tell a repeated one from another.
    Request,
    /// A canonical model.
    Model,
    /// A canonical model in integers over a schema.
    IntegerModel,
    /// A canonical prediction program.
    Prediction,
    /// What a client encrypts for a prediction, in canonical form.
    InputForm,
}

impl Purpose {
    /// The derivation context; hard-coded, globally unique, never reused.
    pub const fn context(self) -> &'static str {
        match self {
            Self::Object => "sordino v1 object",
            Self::MerkleLeaf => "sordino v1 merkle leaf",
            Self::MerkleNode => "sordino v1 merkle node",
            Self::Schema => "sordino v1 schema",
            Self::Policy => "sordino v1 policy",
            Self::Query => "sordino v1 query",
            Self::Program => "sordino v1 program",
            Self::Quote => "sordino v1 quote",
            Self::Acceptance => "sordino v1 acceptance",
            Self::Manifest => "sordino v1 manifest",
            Self::Receipt => "sordino v1 receipt",
            Self::PredictionReceipt => "sordino v1 prediction receipt",
            Self::Decision => "sordino v1 gate decision",
            Self::Enrolment => "sordino v1 gate enrolment",
            Self::KeyProof => "sordino v1 account key proof",
            Self::Answer => "sordino v1 answer",
            Self::Output => "sordino v1 output",
            Self::Request => "sordino v1 request",
            Self::Model => "sordino v1 model",
            Self::IntegerModel => "sordino v1 integer model",
            Self::Prediction => "sordino v1 prediction",
            Self::InputForm => "sordino v1 input form",
        }
    }
}

/// A BLAKE3 digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// The text was not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: expected 64 hexadecimal digits")]
pub struct DigestError(String);

impl Digest {
    /// The digest of `bytes` for `purpose`.
    pub fn of(purpose: Purpose, bytes: &[u8]) -> Self {
        Self(blake3::derive_key(purpose.context(), bytes))
    }

    /// From its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A digest of bytes that arrive in pieces.
#[derive(Debug, Clone)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Starts a digest for `purpose`.
    pub fn new(purpose: Purpose) -> Self {
        Self(blake3::Hasher::new_derive_key(purpose.context()))
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestError(text.chars().take(80).collect()))?;
        Ok(Self(bytes))
    }
}
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
