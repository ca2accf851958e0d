//! Evaluation keys of layout `scan`: the relinearisation key. They are public and let nobody decrypt.
//!
//! There are no rotation keys, because the sum over the slots needs no rotation (see [`crate::outputs`]).
//! Bytes: header, then the key as the BFV library writes it.

use fhe::bfv::RelinearizationKey;
use fhe_traits::Serialize;
use rand::{CryptoRng, RngCore};
use sordino_protocol::parameters::ParameterSet;

use crate::{
    error::FheError,
    keys::SecretKeys,
    parameters::scan,
    scan::{RelinearisationKey, wire},
    trust::{HEADER, Object, Reader, header, limit},
};

/// Makes the evaluation keys of a scan set. `rng` must be cryptographically secure and seeded by the
/// operating system.
///
/// # Errors
/// When `set` is no scan set, or the library refuses.
pub fn generate<R: RngCore + CryptoRng>(
    keys: &SecretKeys,
    set: ParameterSet,
    rng: &mut R,
) -> Result<Vec<u8>, FheError> {
    let key = RelinearizationKey::new(keys.scan(set)?, rng)
        .map_err(FheError::bfv("making the relinearisation key"))?;
    Ok([&header(Object::EvaluationKeys, set)[..], &key.to_bytes()].concat())
}

/// Bytes of the object of a scan set; it has no other size.
///
/// # Errors
/// When `set` is no scan set.
pub fn size(set: ParameterSet) -> Result<u64, FheError> {
    Ok((HEADER + wire::relinearisation_len(scan(set)?)) as u64)
}

/// Reads the object.
pub(crate) fn read(bytes: &[u8], set: ParameterSet) -> Result<RelinearisationKey, FheError> {
    let numbers = scan(set)?;
    limit(Object::EvaluationKeys, bytes.len() as u64, size(set)?)?;
    let mut reader = Reader::new(Object::EvaluationKeys, bytes);
    reader.header(set)?;
    let key = reader.take(wire::relinearisation_len(numbers))?;
    reader.end()?;
    wire::read_relinearisation(key, set)
}

/// Bytes of memory that an evaluator of a set with slots takes: its relinearisation key and the keys of its
/// rotations, expanded.
///
/// # Errors
/// When `set` is no scan set.
pub fn expanded_size(set: ParameterSet) -> Result<u64, FheError> {
    let numbers = scan(set)?;
    let polynomial = 8 * (numbers.degree * numbers.moduli.len()) as u64;
    let keys = 1 + set.rotations().len() as u64;
    Ok(keys * 2 * numbers.moduli.len() as u64 * polynomial)
}
