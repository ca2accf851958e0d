//! Sealed answers: HPKE (RFC 9180), base mode, X25519 / HKDF-SHA256 / AES-128-GCM. A buyer needs no
//! code of ours to open one: any HPKE library does.
//!
//! `info` is the ASCII text `sordino v1 answer`; the associated data is the release id's written
//! form, a newline, and the query digest's written form, so a seal cannot be moved to another
//! release or another question.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm128, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use crate::{
    digest::{Digest, Purpose},
    ids::ReleaseId,
};

const INFO: &[u8] = b"sordino v1 answer";

/// An X25519 public key to which answers are sealed; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecipientKey([u8; 32]);

/// The secret half, zeroised on drop and never shown.
#[derive(Clone)]
pub struct RecipientSecret(Zeroizing<[u8; 32]>);

/// An answer only its recipient can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedAnswer {
    /// The release, part of the associated data.
    pub release: ReleaseId,
    /// The query, part of the associated data.
    pub query: Digest,
    /// To whom.
    pub recipient: RecipientKey,
    /// The encapsulated key, base64.
    pub enc: String,
    /// The ciphertext with its tag, base64.
    pub ciphertext: String,
}

/// Why sealing or opening failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A key is not a valid point or has a wrong shape.
    #[error("not an X25519 key: expected 64 hexadecimal digits")]
    Key,
    /// A field is not base64.
    #[error("the sealed answer's `{0}` is not base64")]
    Encoding(&'static str),
    /// Sealed to another key, for another release or query, or altered.
    #[error("the answer cannot be opened with this key: it was sealed to {recipient}, or altered")]
    Open {
        /// The stated recipient.
        recipient: RecipientKey,
    },
    /// The library refused to seal.
    #[error("the answer could not be sealed")]
    Seal,
}

impl RecipientSecret {
    /// From 32 secret random bytes, which are the X25519 scalar.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret bytes, to be stored encrypted.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// The public half.
    ///
    /// # Errors
    /// When the library refuses the bytes as a key.
    pub fn public(&self) -> Result<RecipientKey, SealError> {
        let public = X25519HkdfSha256::sk_to_pk(&self.key()?);
        let bytes = public.to_bytes();
        <[u8; 32]>::try_from(bytes.as_slice()).map(RecipientKey).map_err(|_| SealError::Key)
    }

    /// Opens an answer.
    ///
    /// # Errors
    /// When it was sealed to another key, for another release or query, or altered.
    pub fn open(&self, sealed: &SealedAnswer) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let enc = STANDARD.decode(&sealed.enc).map_err(|_| SealError::Encoding("enc"))?;
        let ciphertext =
            STANDARD.decode(&sealed.ciphertext).map_err(|_| SealError::Encoding("ciphertext"))?;
        let failed = SealError::Open { recipient: sealed.recipient };
        let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&enc).map_err(|_| failed.clone())?;
        hpke::single_shot_open::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.key()?,
            &enc,
            INFO,
            &ciphertext,
            &associated_data(sealed.release, &sealed.query),
        )
        .map(Zeroizing::new)
        .map_err(|_| failed)
    }

    fn key(&self) -> Result<<X25519HkdfSha256 as Kem>::PrivateKey, SealError> {
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&self.0[..]).map_err(|_| SealError::Key)
    }
}

impl SealedAnswer {
    /// Seals `answer` to `recipient` with fresh randomness of the operating system.
    ///
    /// # Errors
    /// When the recipient is not a valid key.
    pub fn seal(
        release: ReleaseId,
        query: Digest,
        recipient: RecipientKey,
        answer: &[u8],
    ) -> Result<Self, SealError> {
        let public =
            <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&recipient.0).map_err(|_| SealError::Key)?;
        let (enc, ciphertext) = hpke::single_shot_seal::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            INFO,
            answer,
            &associated_data(release, &query),
        )
        .map_err(|_| SealError::Seal)?;
        Ok(Self {
            release,
            query,
            recipient,
            enc: STANDARD.encode(enc.to_bytes()),
            ciphertext: STANDARD.encode(ciphertext),
        })
    }

    /// The digest a decision refers to: over the encapsulated key and the ciphertext.
    pub fn digest(&self) -> Digest {
        Digest::of(Purpose::Answer, [&self.enc, ".", &self.ciphertext].concat().as_bytes())
    }
}

fn associated_data(release: ReleaseId, query: &Digest) -> Vec<u8> {
    format!("{release}\n{query}").into_bytes()
}

impl fmt::Debug for RecipientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientSecret(secret)")
    }
}
impl FromStr for RecipientKey {
    type Err = SealError;
    fn from_str(text: &str) -> Result<Self, SealError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| SealError::Key)?;
        Ok(Self(bytes))
    }
}
impl fmt::Display for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Serialize for RecipientKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for RecipientKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_recipient_opens_and_only_in_its_place() {
        let secret = RecipientSecret::from_bytes([7; 32]);
        let public = secret.public().expect("a key");
        let (release, query) = (ReleaseId::new(Uuid::from_u128(1)), Digest::from_bytes([2; 32]));
        let sealed = SealedAnswer::seal(release, query, public, b"42").expect("sealed");
        assert_eq!(secret.open(&sealed).expect("opened").as_slice(), b"42");
        assert!(RecipientSecret::from_bytes([8; 32]).open(&sealed).is_err());
        let moved = SealedAnswer { release: ReleaseId::new(Uuid::from_u128(3)), ..sealed.clone() };
        assert!(secret.open(&moved).is_err());
        let other = SealedAnswer { query: Digest::from_bytes([9; 32]), ..sealed };
        assert!(secret.open(&other).is_err());
    }
}
