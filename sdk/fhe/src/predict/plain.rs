//! Plaintexts of the platform: as factors, and scaled as summands.

use fhe::bfv::{Encoding, Plaintext};
use fhe_math::rq::{Poly, Representation, traits::TryConvertFrom};
use fhe_traits::FheEncoder;
use rayon::prelude::*;
use sordino_protocol::parameters::ParameterSet;

use crate::{
    error::FheError,
    parameters::bfv,
    ring::{Basis, Rows},
};

/// The coefficients modulo t of the polynomial that has these values in its slots.
pub(super) fn slots(values: &[u64], set: ParameterSet) -> Result<Vec<u64>, FheError> {
    // The same at every level, and quickest at that of one modulus.
    let level = bfv(set)?.moduli().len() - 1;
    let plain = Plaintext::try_encode(values, Encoding::simd_at_level(level), bfv(set)?)
        .map_err(FheError::bfv("encoding a vector"))?;
    let context = bfv(set)?.context_at_level(level).map_err(FheError::bfv("encoding a vector"))?;
    let mut polynomial = Poly::try_convert_from(&plain, context, false, Representation::Ntt)
        .map_err(FheError::math("encoding a vector"))?;
    polynomial.change_representation(Representation::PowerBasis);
    // Below t, so below every modulus of the set: the residues modulo the first are the coefficients.
    Ok(polynomial.coefficients().row(0).iter().copied().collect())
}

/// A polynomial of signed coefficients in the domain of the transform.
pub(super) fn signed(coefficients: &[i64], basis: &Basis) -> Rows {
    let mut rows = basis.zero();
    basis.each(&mut rows, |prime, _, row| {
        row.iter_mut().zip(coefficients).for_each(|(residue, c)| *residue = prime.signed(*c));
        prime.forward(row);
    });
    rows
}

/// A polynomial modulo t as a factor: its coefficients are taken closest to 0.
pub(super) fn factor(coefficients: &[u64], modulus: u64, basis: &Basis) -> Rows {
    let mut rows = basis.zero();
    basis.each(&mut rows, |prime, _, row| {
        // t is below every modulus, so that nothing has to be reduced.
        for (residue, c) in row.iter_mut().zip(coefficients) {
            *residue = if *c > modulus / 2 { prime.value() - (modulus - c) } else { *c };
        }
        prime.forward(row);
    });
    rows
}

/// `q m / t`, rounded, as coefficients modulo the primes of `basis`, whose product is q.
///
/// That is `(q m - r) / t` where r is q m modulo t, closest to 0; and q is 0 modulo every prime.
pub(super) fn scaled(coefficients: &[u64], modulus: u64, basis: &Basis) -> Rows {
    let wide = u128::from(modulus);
    let q = basis.primes.iter().fold(1, |q, prime| q * u128::from(prime.value()) % wide);
    let rest = |m: u64| {
        let rest = (q * u128::from(m) % wide) as u64;
        if rest > modulus / 2 { rest.cast_signed() - modulus.cast_signed() } else { rest.cast_signed() }
    };
    let rests: Vec<i64> = coefficients.iter().map(|m| rest(*m)).collect();
    let mut rows = basis.zero();
    basis.each(&mut rows, |prime, _, row| {
        let inverse = prime.prepare(prime.inverse_of(modulus % prime.value()));
        for (residue, rest) in row.iter_mut().zip(&rests) {
            *residue = prime.mul_by(prime.signed(-rest), inverse);
        }
    });
    rows
}

/// The product of two polynomials in the domain of the transform.
pub(super) fn times(a: &[u64], b: &[u64], basis: &Basis) -> Rows {
    let mut product = basis.zero();
    let rows = product.par_chunks_exact_mut(basis.degree).zip(&basis.primes).enumerate();
    rows.for_each(|(index, (row, prime))| prime.accumulate(row, basis.row(a, index), basis.row(b, index)));
    product
}
