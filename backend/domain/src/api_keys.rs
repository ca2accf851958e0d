//! API keys: `sord_<8>_<32><6>`, in base 62. The first part is public and finds the key; the second is the
//! secret; the last six digits are the CRC-32 of all before them, so that a typing error or a false alarm of
//! a secret scanner is told without asking the server. Only a hash is stored.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use sordino_protocol::{
    api::{self, Role, Scope},
    ids::{AccountId, ApiKeyId, GateId},
};

const TAG: &str = "sord_";
const PREFIX: usize = 8;
const SECRET: usize = 32;
const CHECKSUM: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random bytes that [`ApiKeySecret::generate`] takes: eight for every six digits that it needs.
pub const RANDOM_BYTES: usize = (PREFIX + SECRET) * 2;

/// A whole key, to be shown once. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret {
    text: String,
}

/// What is stored of a key's secret: a BLAKE3 hash. The secret has 190 bits, so no slow hash is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyHash([u8; 32]);

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose.
    pub account: AccountId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The gate it serves; present exactly with [`Scope::Gate`].
    pub gate: Option<GateId>,
    /// Its public part.
    pub prefix: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Who a presented key speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// The account.
    pub account: AccountId,
    /// What the account may do.
    pub role: Role,
    /// The key.
    pub key: ApiKeyId,
    /// What the key may do.
    pub scope: Scope,
    /// The gate it serves; present exactly with [`Scope::Gate`].
    pub gate: Option<GateId>,
}

/// The text is no API key. Does not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// Wrong length, tag or digits.
    #[error("not an API key: expected sord_, 8 characters, _ and 38 characters of 0-9, A-Z, a-z")]
    Shape,
    /// Something was mistyped.
    #[error("the API key has a typing error: its checksum does not match")]
    Checksum,
}

impl ApiKeySecret {
    /// Makes a key of secret random bytes. Two bytes make one digit, so that the bias of the remainder stays
    /// below a thousandth.
    pub fn generate(random: &[u8; RANDOM_BYTES]) -> Self {
        let digits: String = random
            .chunks_exact(2)
            .map(|pair| {
                let value = usize::from(u16::from_be_bytes([pair[0], pair[1]]));
                char::from(ALPHABET[value % ALPHABET.len()])
            })
            .collect();
        let (prefix, secret) = digits.split_at(PREFIX);
        let body = format!("{TAG}{prefix}_{secret}");
        let checksum = checksum(&body);
        Self { text: body + &checksum }
    }

    /// The public part, unique among keys.
    pub fn prefix(&self) -> &str {
        &self.text[TAG.len()..TAG.len() + PREFIX]
    }

    /// The whole text, for the one who asked for it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is stored.
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash(blake3::derive_key("sordino v1 api key", self.text.as_bytes()))
    }
}

impl FromStr for ApiKeySecret {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<Self, ApiKeyError> {
        let rest = text.strip_prefix(TAG).ok_or(ApiKeyError::Shape)?.as_bytes();
        if rest.len() != PREFIX + 1 + SECRET + CHECKSUM || rest[PREFIX] != b'_' {
            return Err(ApiKeyError::Shape);
        }
        if rest.iter().enumerate().any(|(at, byte)| at != PREFIX && !byte.is_ascii_alphanumeric()) {
            return Err(ApiKeyError::Shape);
        }
        let (body, given) = text.split_at(text.len() - CHECKSUM);
        if checksum(body) != given {
            return Err(ApiKeyError::Checksum);
        }
        Ok(Self { text: text.to_owned() })
    }
}

/// CRC-32 in base 62, most significant digit first; six digits hold 35 bits.
fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[rest % ALPHABET.len()];
        rest /= ALPHABET.len();
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

impl ApiKeyHash {
    /// Whether it is the hash of this key; takes the same time for any two hashes.
    pub fn matches(&self, presented: &ApiKeySecret) -> bool {
        blake3::Hash::from_bytes(self.0) == blake3::Hash::from_bytes(presented.hash().0)
    }
}

impl fmt::Display for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for ApiKeyHash {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<Self, ApiKeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ApiKeyError::Shape)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(redacted)")
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeySecret({TAG}{}_redacted)", self.prefix())
    }
}

impl From<&ApiKey> for api::ApiKey {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            scope: key.scope,
            prefix: format!("{TAG}{}", key.prefix),
            created_at: key.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_survives_its_text_and_one_wrong_digit_is_told(
            random in proptest::array::uniform32(any::<u8>()), at in 0usize..38, other in 0usize..62,
        ) {
            let mut bytes = [0; RANDOM_BYTES];
            for (target, source) in bytes.iter_mut().zip(random.iter().cycle()) {
                *target = *source;
            }
            let key = ApiKeySecret::generate(&bytes);
            let again: ApiKeySecret = key.expose().parse().expect("its own text");
            prop_assert!(key.hash().matches(&again));
            let mut typed = key.expose().as_bytes().to_vec();
            typed[14 + at] = ALPHABET[other];
            let typed = String::from_utf8(typed).expect("ascii");
            prop_assert_eq!(typed.parse::<ApiKeySecret>().is_ok(), typed == key.expose());
        }
    }

    #[test]
    fn wrong_shapes_are_refused_and_secrets_not_shown() {
        let key = ApiKeySecret::generate(&[9; RANDOM_BYTES]);
        assert_eq!(key.expose().len(), 52);
        assert!(!format!("{key:?}").contains(&key.expose()[14..]));
        for bad in ["", "sord_", "sord_é", &key.expose()[1..], &key.expose().replace('_', "-")] {
            assert_eq!(bad.parse::<ApiKeySecret>(), Err(ApiKeyError::Shape), "{bad:?}");
        }
        let (text, hash) = (key.hash().to_string(), key.hash());
        assert_eq!(text.parse(), Ok(hash));
    }
}
