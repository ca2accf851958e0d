//! An output of a scan program: the sum over all slots of a BFV ciphertext.
//!
//! The slots are the values of the plaintext polynomial m at the N roots of X^N + 1. A power sum of
//! all roots is 0 unless the power is, so the sum over the slots is `N m_0`: no rotation is needed,
//! only coefficient 0. Of a ciphertext (c0, c1) that is decided by c1 and coefficient 0 of c0, which
//! is also all that is kept; the other coefficients, combinations of single rows, cannot be decrypted
//! from an output.

use fhe::bfv::{Ciphertext, Encoding, SecretKey};
use fhe_math::rq::{Context, Poly, Representation, traits::TryConvertFrom};
use fhe_traits::{FheDecoder, FheDecrypter};
use std::sync::Arc;

use sordino_protocol::parameters::{ParameterSet, ScanParameters};

use crate::{
    error::FheError,
    outputs::words,
    parameters::{bfv, scan},
    trust::{Object, TrustError},
};

/// Coefficient 0 of a ciphertext at the finish level.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSum {
    /// Coefficient 0 of c0, modulo each modulus.
    pub(crate) body: Vec<u64>,
    /// All coefficients of c1, modulus by modulus.
    pub(crate) mask: Vec<u64>,
}

impl SlotSum {
    /// Words of the canonical form: the body, then the mask.
    pub(super) fn words(numbers: &ScanParameters) -> usize {
        (numbers.degree + 1) * (numbers.moduli.len() - numbers.finish_level)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.body.iter().chain(&self.mask).flat_map(|word| word.to_le_bytes()));
    }

    /// Reads [`Self::words`] words; refuses any that is not reduced.
    pub(super) fn read(bytes: &[u8], numbers: &ScanParameters) -> Result<Self, TrustError> {
        let moduli = &numbers.moduli[..numbers.moduli.len() - numbers.finish_level];
        let mut body: Vec<u64> = words(bytes).collect();
        let mask = body.split_off(moduli.len());
        let rows = mask.chunks_exact(numbers.degree);
        let reduced = moduli
            .iter()
            .zip(&body)
            .zip(rows)
            .all(|((modulus, body), row)| body < modulus && row.iter().all(|word| word < modulus));
        if reduced {
            Ok(Self { body, mask })
        } else {
            Err(Object::Outputs.malformed("a coefficient is not reduced"))
        }
    }

    /// A ciphertext whose coefficient 0 is the same; the others decrypt to nothing.
    fn ciphertext(&self, set: ParameterSet) -> Result<Ciphertext, FheError> {
        let context = context(set)?;
        let degree = scan(set)?.degree;
        let mut c0 = vec![0u64; self.mask.len()];
        c0.iter_mut().step_by(degree).zip(&self.body).for_each(|(first, body)| *first = *body);
        let polynomial = |coefficients: Vec<u64>| {
            let mut polynomial =
                Poly::try_convert_from(coefficients, context, false, Representation::PowerBasis)
                    .map_err(FheError::math("reading an output"))?;
            polynomial.change_representation(Representation::Ntt);
            Ok::<_, FheError>(polynomial)
        };
        Ciphertext::new(vec![polynomial(c0)?, polynomial(self.mask.clone())?], bfv(set)?)
            .map_err(FheError::bfv("reading an output"))
    }

    pub(super) fn decrypt(&self, key: &SecretKey, set: ParameterSet) -> Result<i64, FheError> {
        let numbers = scan(set)?;
        let plain = key.try_decrypt(&self.ciphertext(set)?).map_err(FheError::bfv("decrypting"))?;
        let coefficients = Vec::<u64>::try_decode(&plain, Encoding::poly_at_level(numbers.finish_level))
            .map_err(FheError::bfv("decoding"))?;
        let first = coefficients.first().copied().unwrap_or(0);
        let modulus = numbers.plaintext_modulus;
        let sum = (u128::from(first) * numbers.degree as u128 % u128::from(modulus)) as u64;
        let negative = sum > numbers.max_sum();
        Ok(if negative { sum.cast_signed() - modulus.cast_signed() } else { sum.cast_signed() })
    }
}

fn context(set: ParameterSet) -> Result<&'static Arc<Context>, FheError> {
    bfv(set)?.context_at_level(scan(set)?.finish_level).map_err(FheError::bfv("choosing the finish level"))
}
