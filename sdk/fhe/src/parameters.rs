//! The parameter sets as the libraries want them, and why each has 128 bits of security.
//!
//! **`rollup-v1`** (GLWE, N = 2,048, k = 1, q = 2^64, uniform binary secret, noise TUniform(17), that
//! is uniform in `[-2^17, 2^17]`). Dimension, modulus, secret and noise are those of the GLWE key in
//! tfhe-rs' `V1_8_PARAM_MESSAGE_2_CARRY_2_KS_PBS_TUNIFORM_2M128` (`glwe_dimension: 1, polynomial_size:
//! 2048, glwe_noise_distribution: TUniform(17), ciphertext_modulus: native`), which Zama publishes at
//! 128 bits of security under the lattice estimator. A test pins the equality.
//!
//! **`scan-8k-v1`** (BFV, N = 8,192, log q = 216) and **`scan-16k-v1`** (N = 16,384, log q = 427). The
//! Homomorphic Encryption Standard (Albrecht et al., HomomorphicEncryption.org, 2018, table 1 for
//! ternary secrets and sigma = 3.2, classical attackers) allows log q up to 218 and 438 at 128 bits.
//! The crate `fhe` draws secret and noise from a centred binomial distribution of variance 10
//! (sigma = 3.16, values within +-20): the noise is as wide as the standard's up to rounding and the
//! secret is wider than ternary, which only makes the known attacks dearer.
//!
//! **`predict-4k-v2`** (N = 4,096, log q = 108) and **`predict-8k-v1`** (N = 8,192, log q = 216): the same
//! standard allows 109 and 218. These are the keys of clients who encrypt their own rows.
//!
//! The feature `tfhe-ntt` of the crate `fhe` belongs to these sets: a seed is expanded to values in the
//! domain of the number-theoretic transform, and the library's two transforms order that domain by
//! different roots of unity. The same bytes mean another polynomial without the feature; the golden
//! digests notice. (It is also faster: measured 0.7 times the time of a product at N = 16,384.)
//!
//! **`score-16k-v1`** is `scan-16k-v1` with a smaller plaintext modulus, which security does not depend on; both
//! use the same secret.
//!
//! **`network-16k-v1`** has the moduli of `scan-16k-v1`, too, and a smaller plaintext modulus still, under keys of
//! the client's own.
//!
//! Nobody has audited the crate `fhe`; SECURITY.md says so to users.

use std::sync::{Arc, OnceLock};

use fhe::bfv::{BfvParameters, BfvParametersBuilder};
use sordino_protocol::parameters::ROLLUP_V1;
use sordino_protocol::parameters::{ParameterSet, ScanParameters};
use tfhe::core_crypto::prelude::{CiphertextModulus, GlweSize, PolynomialSize, TUniform};

use crate::error::FheError;

/// The numbers of a set with slots, of tables or of predictions.
pub(crate) fn scan(set: ParameterSet) -> Result<&'static ScanParameters, FheError> {
    set.bfv().ok_or(FheError::NotAScanSet(set))
}

/// How many sets with slots there are.
pub(crate) const SETS: usize = 6;

/// The place of a set with slots among them, for what is made once for each.
pub(crate) const fn place(set: ParameterSet) -> Result<usize, FheError> {
    match set {
        ParameterSet::Scan8kV1 => Ok(0),
        ParameterSet::Scan16kV1 => Ok(1),
        ParameterSet::Predict4kV2 => Ok(2),
        ParameterSet::Predict8kV1 => Ok(3),
        ParameterSet::Score16kV1 => Ok(4),
        ParameterSet::Network16kV1 => Ok(5),
        ParameterSet::RollupV1 => Err(FheError::NotAScanSet(set)),
    }
}

/// The library's context of a set with slots; there is one of each, because `fhe` compares contexts by
/// address.
pub(crate) fn bfv(set: ParameterSet) -> Result<&'static Arc<BfvParameters>, FheError> {
    static CONTEXTS: [OnceLock<Arc<BfvParameters>>; SETS] = [const { OnceLock::new() }; SETS];
    let (numbers, cell) = (scan(set)?, &CONTEXTS[place(set)?]);
    if let Some(ready) = cell.get() {
        return Ok(ready);
    }
    let built = BfvParametersBuilder::new()
        .set_degree(numbers.degree)
        .set_moduli(numbers.moduli)
        .set_plaintext_modulus(numbers.plaintext_modulus)
        .set_variance(numbers.variance)
        .build_arc()
        .map_err(FheError::bfv("building the parameters"))?;
    Ok(cell.get_or_init(|| built))
}

/// Coefficients of a GLWE polynomial, which is also the dimension of its LWE.
pub(crate) const GLWE_DEGREE: usize = ROLLUP_V1.degree;

pub(crate) const fn polynomial_size() -> PolynomialSize {
    PolynomialSize(ROLLUP_V1.degree)
}

pub(crate) const fn glwe_size() -> GlweSize {
    GlweSize(ROLLUP_V1.dimension + 1)
}

pub(crate) const fn torus() -> CiphertextModulus<u64> {
    CiphertextModulus::new_native()
}

pub(crate) const fn glwe_noise() -> TUniform<u64> {
    TUniform::new(ROLLUP_V1.noise_bits)
}

#[cfg(test)]
mod tests {
    use sordino_protocol::parameters::{
        NETWORK_16K_V1, PREDICT_4K_V2, PREDICT_8K_V1, SCAN_8K_V1, SCAN_16K_V1, SCORE_16K_V1,
    };
    use tfhe::{
        core_crypto::prelude::{DynamicDistribution, GlweDimension},
        shortint::parameters::v1_8::V1_8_PARAM_MESSAGE_2_CARRY_2_KS_PBS_TUNIFORM_2M128 as PUBLISHED,
    };

    use super::*;

    #[test]
    fn the_sets_are_those_whose_security_is_published() {
        assert_eq!(PUBLISHED.glwe_dimension, GlweDimension(ROLLUP_V1.dimension));
        assert_eq!(PUBLISHED.polynomial_size, polynomial_size());
        assert_eq!(PUBLISHED.ciphertext_modulus, torus());
        assert_eq!(
            PUBLISHED.glwe_noise_distribution,
            DynamicDistribution::new_t_uniform(ROLLUP_V1.noise_bits)
        );
        let sets = [
            (SCAN_8K_V1, 218.0),
            (SCAN_16K_V1, 438.0),
            (PREDICT_4K_V2, 109.0),
            (PREDICT_8K_V1, 218.0),
            (SCORE_16K_V1, 438.0),
            (NETWORK_16K_V1, 438.0),
        ];
        for (set, allowed) in sets {
            let log_q: f64 = set.moduli.iter().map(|q| (*q as f64).log2()).sum();
            assert!(log_q <= allowed, "{log_q}");
            let order = 2 * set.degree as u64;
            assert!(set.moduli.iter().all(|q| q % order == 1) && set.plaintext_modulus % order == 1);
        }
    }
}
