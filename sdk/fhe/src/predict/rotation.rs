//! Rotation keys: what is registered for each rotation that a set has, and rotating by it.
//!
//! The automorphism `X -> X^(3^s)` moves slot `i + s` of each half to slot i. It leaves a ciphertext under the
//! secret that it was applied to, too; the key switches it back.

use fhe::bfv::{EvaluationKeyBuilder, SecretKey};
use fhe_traits::Serialize;
use rand::{CryptoRng, RngCore};
use sordino_protocol::parameters::{ParameterSet, ScanParameters};

use crate::{
    error::FheError,
    parameters::scan,
    ring::{Basis, Prime, Rows},
    scan::{RelinearisationKey, wire},
    trust::{Object, Reader, TrustError},
};

/// The key of one rotation.
pub(super) struct RotationKey {
    slots: usize,
    /// A power of 3 modulo 2N.
    exponent: usize,
    /// Of `s(X^exponent)` instead of the square of s.
    key: RelinearisationKey,
}

fn exponent(slots: usize, numbers: &ScanParameters) -> usize {
    (0..slots).fold(1, |power, _| power * 3 % (2 * numbers.degree))
}

/// What precedes and follows the key-switching key in the library's framing, which is that of a
/// relinearisation key within it.
pub(super) fn frame(slots: usize, numbers: &ScanParameters) -> (Vec<u8>, Vec<u8>) {
    let after = wire::tagged(0x10, exponent(slots, numbers));
    let before = wire::tagged(0x12, wire::relinearisation_len(numbers) + after.len());
    (before, after)
}

/// Bytes of all rotation keys of a set.
pub(super) fn len(set: ParameterSet) -> Result<usize, FheError> {
    let numbers = scan(set)?;
    let one = |slots: &usize| {
        let (before, after) = frame(*slots, numbers);
        before.len() + wire::relinearisation_len(numbers) + after.len()
    };
    Ok(set.rotations().iter().map(one).sum())
}

/// Appends the rotation keys of a set.
pub(super) fn write<R: RngCore + CryptoRng>(
    set: ParameterSet,
    secret: &SecretKey,
    rng: &mut R,
    bytes: &mut Vec<u8>,
) -> Result<(), FheError> {
    const MAKING: &str = "making a rotation key";
    for slots in set.rotations() {
        let mut builder = EvaluationKeyBuilder::new(secret).map_err(FheError::bfv(MAKING))?;
        builder.enable_column_rotation(*slots).map_err(FheError::bfv(MAKING))?;
        bytes.extend(builder.build(rng).map_err(FheError::bfv(MAKING))?.to_bytes());
    }
    Ok(())
}

/// Reads them.
pub(super) fn read(reader: &mut Reader<'_>, set: ParameterSet) -> Result<Vec<RotationKey>, FheError> {
    let numbers = scan(set)?;
    let one = |slots: &usize| {
        let (before, after) = frame(*slots, numbers);
        reader.expect(&before)?;
        let bytes = reader.take(wire::relinearisation_len(numbers))?;
        reader.expect(&after)?;
        let key = wire::read_relinearisation(bytes, set)?;
        Ok(RotationKey { slots: *slots, exponent: exponent(*slots, numbers), key })
    };
    set.rotations().iter().map(one).collect()
}

/// Rotates a ciphertext in all moduli, in the domain of the transform. There must be a key for it.
pub(super) fn rotated(
    keys: &[RotationKey],
    slots: usize,
    [c0, c1]: &[Rows; 2],
    basis: &Basis,
) -> Result<[Rows; 2], FheError> {
    let key = keys.iter().find(|key| key.slots == slots);
    let key = key.ok_or(TrustError::Malformed {
        object: Object::Registration,
        reason: "there is no key for a rotation that is needed",
    })?;
    let (body, [mut k0, k1]) = rayon::join(
        || {
            let mut body = key.moved(c0, basis);
            basis.each(&mut body, |prime, _, row| prime.forward(row));
            body
        },
        || key.key.switch(&key.moved(c1, basis), basis),
    );
    basis.add(&mut k0, &body);
    Ok([k0, k1])
}

impl RotationKey {
    /// The coefficients of `c(X^exponent)`.
    fn moved(&self, rows: &[u64], basis: &Basis) -> Rows {
        let degree = basis.degree;
        let coefficients = basis.coefficients(rows);
        let mut moved = basis.zero();
        basis.each(&mut moved, |prime: &Prime, index, row| {
            let mut power = 0;
            for coefficient in basis.row(&coefficients, index) {
                let value = *coefficient;
                row[power % degree] = if power < degree { value } else { prime.sub(0, value) };
                power = (power + self.exponent) % (2 * degree);
            }
        });
        moved
    }
}
