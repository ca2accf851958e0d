//! Encrypts polynomials under a client's key and decrypts some coefficients of them. The ciphertexts are
//! the library's, to the byte format; what it does in six transforms takes two, because the key is kept
//! transformed and noise and plaintext are added to coefficients, which is what is sent.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha12Rng;
use zeroize::Zeroizing;

use crate::{
    error::FheError,
    parameters::scan,
    predict::{ClientKeys, noise::small, plain::Scale},
    ring::{Basis, Prime, Rows},
    scan::{tables::full, wire},
};

/// Encrypts coefficients modulo t: the bytes of a slice. All randomness comes from `seed`, which must stay
/// secret.
pub(super) fn seal(keys: &ClientKeys, plain: &[u64], seed: &[u8; 32]) -> Result<Vec<u8>, FheError> {
    let set = keys.parameter_set();
    let (numbers, basis) = (scan(set)?, full(set)?);
    let mut rng = ChaCha12Rng::from_seed(*seed);
    // What the polynomial `a` is expanded from is sent along; it says nothing of what is drawn after it.
    let mut public = [0; 32];
    rng.fill_bytes(&mut public);
    let noise = small(basis.degree, numbers.variance, &mut rng);
    let a = wire::uniform(public, set)?;
    let scale = Scale::new(numbers.plaintext_modulus, &basis);
    let mut body = basis.zero();
    for (index, (prime, row)) in basis.primes.iter().zip(body.chunks_exact_mut(basis.degree)).enumerate() {
        prime.accumulate(row, basis.row(&a, index), basis.row(keys.transformed(), index));
        prime.inverse(row);
        let mut plain = plain.iter();
        for (product, e) in row.iter_mut().zip(&*noise) {
            let plain = plain.next().map_or(0, |m| scale.one(*m, prime, index));
            *product = prime.sub(prime.add(plain, prime.signed(*e)), *product);
        }
    }
    Ok(wire::write_slice(&body, &public, &basis))
}

/// Decrypts the coefficients at these places, modulo t, of a result: what it has at these places of its
/// first polynomial, modulus by modulus, and all of the second one.
pub(super) fn open(
    keys: &ClientKeys,
    places: &[usize],
    body: &[u64],
    mut mask: Rows,
) -> Result<Vec<u64>, FheError> {
    let numbers = scan(keys.parameter_set())?;
    let basis = full(keys.parameter_set())?.part(0..numbers.finish_moduli());
    let parts = Parts::new(&basis, numbers.plaintext_modulus);
    let mut values = vec![(0, 0); places.len()];
    for (index, prime) in basis.primes.iter().enumerate() {
        let row = &mut mask[index * basis.degree..][..basis.degree];
        prime.forward(row);
        let mut product = Zeroizing::new(vec![0; basis.degree]);
        prime.accumulate(&mut product, row, basis.row(keys.transformed(), index));
        prime.inverse(&mut product);
        let body = &body[index * places.len()..];
        for ((value, place), c0) in values.iter_mut().zip(places).zip(body) {
            parts.add(value, prime.add(*c0, product[*place]), prime, index);
        }
    }
    Ok(values.into_iter().map(|value| parts.rounded(value)).collect())
}

/// `t x / q`, rounded, modulo t, of an x modulo q by its residues x_i: the sum of `t y_i / q_i`, where
/// `y_i = x_i (q / q_i)^-1 mod q_i`. Fractions are kept to 64 bits; what decrypts is far from a half.
struct Parts {
    modulus: u128,
    /// For each modulus the inverse of the product of the others.
    inverses: Vec<u64>,
}

impl Parts {
    fn new(basis: &Basis, modulus: u64) -> Self {
        let inverse = |prime: &&'static Prime| {
            let others = basis.primes.iter().filter(|other| other.value() != prime.value());
            let product = others.fold(1, |product, other| prime.mul(product, other.value() % prime.value()));
            prime.inverse_of(product)
        };
        Self { modulus: u128::from(modulus), inverses: basis.primes.iter().map(inverse).collect() }
    }

    /// Adds the part of one residue to a whole number and a fraction.
    fn add(&self, (whole, fraction): &mut (u128, u128), residue: u64, prime: &Prime, index: usize) {
        let scaled = u128::from(prime.mul(residue, self.inverses[index])) * self.modulus;
        let q = u128::from(prime.value());
        *whole += scaled / q;
        *fraction += ((scaled % q) << 64) / q;
    }

    fn rounded(&self, (whole, fraction): (u128, u128)) -> u64 {
        ((whole + ((fraction + (1 << 63)) >> 64)) % self.modulus) as u64
    }
}
