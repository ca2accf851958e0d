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
//! The feature `tfhe-ntt` of the crate `fhe` belongs to these sets: a seed is expanded to values in the
//! domain of the number-theoretic transform, and the library's two transforms order that domain by
//! different roots of unity. The same bytes mean another polynomial without the feature; the golden
//! digests notice. (It is also faster: measured 0.7 times the time of a product at N = 16,384.)
//!
//! **`score-16k-v1`** is `scan-16k-v1` with a smaller plaintext modulus, which security does not depend on; both
//! use the same secret.
//!
//! Nobody has audited the crate `fhe`; SECURITY.md says so to users.

use std::sync::{Arc, OnceLock};

use fhe::bfv::{BfvParameters, BfvParametersBuilder};
use sordino_protocol::parameters::ROLLUP_V1;
use sordino_protocol::parameters::{ParameterSet, ScanParameters};
use tfhe::core_crypto::prelude::{CiphertextModulus, GlweSize, PolynomialSize, TUniform};

use crate::error::FheError;

/// The numbers of a scan set.
pub(crate) fn scan(set: ParameterSet) -> Result<&'static ScanParameters, FheError> {
    set.scan().ok_or(FheError::NotAScanSet(set))
}

/// The library's context of a scan set; there is one of each, because `fhe` compares contexts by
/// address.
pub(crate) fn bfv(set: ParameterSet) -> Result<&'static Arc<BfvParameters>, FheError> {
    static SCAN_8K: OnceLock<Arc<BfvParameters>> = OnceLock::new();
    static SCAN_16K: OnceLock<Arc<BfvParameters>> = OnceLock::new();
    let numbers = scan(set)?;
    static SCORE_16K: OnceLock<Arc<BfvParameters>> = OnceLock::new();
    let cell = match set {
        ParameterSet::Scan8kV1 => &SCAN_8K,
        ParameterSet::Score16kV1 => &SCORE_16K,
        ParameterSet::Scan16kV1 | ParameterSet::RollupV1 => &SCAN_16K,
    };
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
    use sordino_protocol::parameters::{SCAN_8K_V1, SCAN_16K_V1, SCORE_16K_V1};
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
        for (set, allowed) in [(SCAN_8K_V1, 218.0), (SCAN_16K_V1, 438.0), (SCORE_16K_V1, 438.0)] {
            let log_q: f64 = set.moduli.iter().map(|q| (*q as f64).log2()).sum();
            assert!(log_q <= allowed, "{log_q}");
            let order = 2 * set.degree as u64;
            assert!(set.moduli.iter().all(|q| q % order == 1) && set.plaintext_modulus % order == 1);
        }
    }
}
