//! Plaintexts of the platform: as factors, and scaled as summands.

use fhe::bfv::{Encoding, Plaintext};
use fhe_math::rq::{Poly, Representation, traits::TryConvertFrom};
use fhe_traits::FheEncoder;
use rayon::prelude::*;
use sordino_protocol::parameters::ParameterSet;

use crate::{
    error::FheError,
    parameters::bfv,
    ring::{Basis, Prime, Rows},
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

/// Brings plaintexts to the scale of ciphertexts: `q m / t`, rounded, modulo the primes of a basis, whose
/// product is q.
///
/// That is `(q m - r) / t` where r is q m modulo t, closest to 0; and q is 0 modulo every prime.
pub(super) struct Scale {
    modulus: u64,
    /// q modulo t, and `floor(2^64 (q mod t) / t)`.
    rest: (u64, u64),
    /// For each prime the inverse of t, prepared.
    inverses: Vec<(u64, u64)>,
}

impl Scale {
    pub(super) fn new(modulus: u64, basis: &Basis) -> Self {
        let wide = u128::from(modulus);
        let rest = basis.primes.iter().fold(1, |q, prime| q * u128::from(prime.value()) % wide);
        let inverse = |prime: &&'static Prime| prime.prepare(prime.inverse_of(modulus % prime.value()));
        let rest = (rest as u64, ((rest << 64) / wide) as u64);
        Self { modulus, rest, inverses: basis.primes.iter().map(inverse).collect() }
    }

    /// A number below t, modulo prime `index`.
    pub(super) fn one(&self, m: u64, prime: &Prime, index: usize) -> u64 {
        let (rest, quotient) = self.rest;
        let whole = ((u128::from(m) * u128::from(quotient)) >> 64) as u64;
        // The quotient is at most one too small.
        let rest = m.wrapping_mul(rest).wrapping_sub(whole.wrapping_mul(self.modulus));
        let rest = if rest >= self.modulus { rest - self.modulus } else { rest };
        let negated = if rest > self.modulus / 2 {
            prime.signed((self.modulus - rest).cast_signed())
        } else {
            prime.signed(-rest.cast_signed())
        };
        prime.mul_by(negated, self.inverses[index])
    }
}

/// Coefficients modulo t at the scale of ciphertexts.
pub(super) fn scaled(coefficients: &[u64], modulus: u64, basis: &Basis) -> Rows {
    let scale = Scale::new(modulus, basis);
    let mut rows = basis.zero();
    basis.each(&mut rows, |prime, index, row| {
        row.iter_mut().zip(coefficients).for_each(|(residue, m)| *residue = scale.one(*m, prime, index));
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
