//! Ed25519 signatures over digests. What is signed is always the digest of a canonical value, whose
//! purpose is part of the digest, so a signature on a quote can never be shown as one on a receipt.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signer, Verifier};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use crate::{
    canonical::{Canonical, CanonicalError},
    digest::Digest,
};

/// A secret signing key; zeroised on drop, never shown.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A public key that checks signatures; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerifyingKey([u8; 32]);

/// A signature; written as 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

/// A value together with who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed<T> {
    /// What was signed.
    pub body: T,
    /// By whom.
    pub signer: VerifyingKey,
    /// Over the digest of the body.
    pub signature: Signature,
}

/// Why a signature is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The signature does not match.
    #[error("the signature by {signer} does not match what it should cover ({digest})")]
    Mismatch {
        /// The claimed signer.
        signer: VerifyingKey,
        /// The digest it should cover.
        digest: Digest,
    },
    /// Signed by a key other than the expected one.
    #[error("signed by {actual}, expected {expected}")]
    WrongSigner {
        /// The key that was expected.
        expected: VerifyingKey,
        /// The key that signed.
        actual: VerifyingKey,
    },
    /// The body has no digest.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// The text is no key or signature.
    #[error("not a {what}: expected {digits} hexadecimal digits")]
    Malformed {
        /// Key or signature.
        what: &'static str,
        /// Digits of the written form.
        digits: usize,
    },
}

impl SigningKey {
    /// From 32 secret random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The 32 secret bytes, to be stored encrypted.
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a digest.
    pub fn sign_digest(&self, digest: &Digest) -> Signature {
        Signature(self.0.sign(digest.as_bytes()).to_bytes())
    }

    /// Signs a value.
    ///
    /// # Errors
    /// When the value has no canonical form.
    pub fn sign<T: Canonical>(&self, body: T) -> Result<Signed<T>, CanonicalError> {
        let signature = self.sign_digest(&body.digest()?);
        Ok(Signed { body, signer: self.verifying_key(), signature })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(secret; public half {})", self.verifying_key())
    }
}

impl VerifyingKey {
    /// From its 32 bytes; a point that is not on the curve fails when it checks a signature.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A short form for people to compare: four groups of four digits of the key's digest.
    pub fn fingerprint(&self) -> String {
        let hash = hex::encode(&blake3::derive_key("sordino v1 fingerprint", &self.0)[..8]);
        [&hash[0..4], &hash[4..8], &hash[8..12], &hash[12..16]].join("-")
    }

    /// Checks a signature over a digest.
    ///
    /// # Errors
    /// When it does not match.
    pub fn verify_digest(&self, digest: &Digest, signature: &Signature) -> Result<(), SignatureError> {
        ed25519_dalek::VerifyingKey::from_bytes(&self.0)
            .and_then(|key| {
                key.verify(digest.as_bytes(), &ed25519_dalek::Signature::from_bytes(&signature.0))
            })
            .map_err(|_| SignatureError::Mismatch { signer: *self, digest: *digest })
    }
}

impl<T: Canonical> Signed<T> {
    /// Checks the signature and that it was made by `expected`.
    ///
    /// # Errors
    /// When the signer is another, or the signature does not match.
    pub fn verify(&self, expected: &VerifyingKey) -> Result<&T, SignatureError> {
        if self.signer != *expected {
            return Err(SignatureError::WrongSigner { expected: *expected, actual: self.signer });
        }
        self.signer.verify_digest(&self.body.digest()?, &self.signature)?;
        Ok(&self.body)
    }
}

fn fixed<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], SignatureError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| SignatureError::Malformed { what, digits: 2 * N })?;
    Ok(bytes)
}

impl FromStr for VerifyingKey {
    type Err = SignatureError;
    fn from_str(text: &str) -> Result<Self, SignatureError> {
        fixed(text, "public key").map(Self)
    }
}
impl FromStr for Signature {
    type Err = SignatureError;
    fn from_str(text: &str) -> Result<Self, SignatureError> {
        fixed(text, "signature").map(Self)
    }
}
impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Serialize for VerifyingKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for VerifyingKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
