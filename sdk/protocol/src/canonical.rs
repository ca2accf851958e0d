//! The canonical encoding: JSON as RFC 8785 (JCS) writes it, so that any language can compute the
//! digest of a query or check a signature. Numbers are integers within +-(2^53 - 1), where every
//! JSON implementation agrees; anything else is refused rather than rounded.

use serde::Serialize;
use serde_json::Value;

use crate::digest::{Digest, Purpose};

/// The largest integer that every JSON reader keeps exactly.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A value that has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// A number is no integer within the exact range.
    #[error("{0} has no canonical form: use an integer of at most 2^53 - 1 in size")]
    Number(serde_json::Number),
    /// The value cannot be written as JSON at all.
    #[error("the value cannot be written as canonical JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A part of the contract: it has one canonical form and one digest.
pub trait Canonical: Serialize {
    /// What its digest is for.
    const PURPOSE: Purpose;

    /// The canonical bytes.
    ///
    /// # Errors
    /// When a number is not exact, see [`CanonicalError`].
    fn canonical_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        to_bytes(self)
    }

    /// The digest of the canonical bytes.
    ///
    /// # Errors
    /// As [`Canonical::canonical_bytes`].
    fn digest(&self) -> Result<Digest, CanonicalError> {
        Ok(Digest::of(Self::PURPOSE, &self.canonical_bytes()?))
    }
}

/// The canonical bytes of any serialisable value.
///
/// # Errors
/// When a number is not exact, see [`CanonicalError`].
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value)?;
    check(&value)?;
    Ok(serde_json_canonicalizer::to_vec(&value)?)
}

fn check(value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            let size = match (number.as_i64(), number.as_u64()) {
                (Some(n), _) => Some(n.unsigned_abs()),
                (None, n) => n,
            };
            match size {
                Some(size) if size <= MAX_INTEGER => Ok(()),
                _ => Err(CanonicalError::Number(number.clone())),
            }
        }
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => fields.values().try_for_each(check),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_inexact_numbers_refused() {
        let bytes = to_bytes(&json!({"b": 1, "a": [true, null, "é\n"]})).expect("exact");
        assert_eq!(String::from_utf8(bytes).expect("utf-8"), "{\"a\":[true,null,\"é\\n\"],\"b\":1}");
        assert!(to_bytes(&json!(0.5)).is_err());
        assert!(to_bytes(&json!(1u64 << 53)).is_err());
        assert!(to_bytes(&json!(-(1i64 << 53) + 1)).is_ok());
    }
}
