//! Evaluation keys of layout `scan`: the relinearisation key. They are public and let nobody decrypt.
//!
//! There are no rotation keys, because the sum over the slots needs no rotation (see [`crate::outputs`]).
//! Bytes: header, then the key as the BFV library writes it.

use fhe::bfv::RelinearizationKey;
use fhe_traits::{DeserializeParametrized, Serialize};
use rand::{CryptoRng, RngCore};
use sordino_protocol::parameters::ParameterSet;

use crate::{
    error::FheError,
    keys::SecretKeys,
    parameters::{bfv, scan},
    scan::wire,
    trust::{HEADER, Object, Reader, guard, header, limit},
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
pub(crate) fn read(bytes: &[u8], set: ParameterSet) -> Result<RelinearizationKey, FheError> {
    let (numbers, parameters) = (scan(set)?, bfv(set)?);
    limit(Object::EvaluationKeys, bytes.len() as u64, size(set)?)?;
    let mut reader = Reader::new(Object::EvaluationKeys, bytes);
    reader.header(set)?;
    let key = reader.take(wire::relinearisation_len(numbers))?;
    reader.end()?;
    wire::check_relinearisation(key, numbers)?;
    guard(Object::EvaluationKeys, || {
        RelinearizationKey::from_bytes(key, parameters)
            .map_err(FheError::bfv("reading the relinearisation key"))
    })
}

/// Bytes of memory that an evaluator of a scan set takes, its keys expanded: the key twice (for
/// products, and for the last relinearisation), each word with its quotient.
///
/// # Errors
/// When `set` is no scan set.
pub fn expanded_size(set: ParameterSet) -> Result<u64, FheError> {
    let numbers = scan(set)?;
    let polynomial = 16 * (numbers.degree * numbers.moduli.len()) as u64;
    Ok(2 * 2 * numbers.moduli.len() as u64 * polynomial)
}
