//! Hides what an output was computed with: adds an encryption of 0 under the client's public key, noise
//! that drowns that of the output, and the constant of the score. See
//! [`sordino_protocol::bounds::flooding`] for how much and why.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

use crate::{
    predict::plain::{scaled, signed, times},
    ring::{Basis, Rows},
};

/// How one output is hidden.
pub(super) struct Mask<'a> {
    /// An encryption of 0 in all moduli.
    pub(super) zero: &'a [Rows; 2],
    /// Variance of the centred binomial distribution, below 32.
    pub(super) variance: usize,
    /// The plaintext modulus.
    pub(super) modulus: u64,
    /// Noise is uniform in `-2^b..2^b`.
    pub(super) flood_bits: u32,
    /// What is added to the plaintext, modulo t.
    pub(super) constant: u64,
    /// In which coefficients: coefficient 0 is the same in every slot.
    pub(super) places: &'a [usize],
}

impl Mask<'_> {
    /// Of a ciphertext in the first moduli, in the domain of the transform. The first rows of the
    /// public key are a public key modulo these alone.
    pub(super) fn apply(&self, [c0, c1]: &mut [Rows; 2], basis: &Basis, seed: &[u8; 32]) {
        let mut rng = ChaCha20Rng::from_seed(*seed);
        let u = Zeroizing::new(self.small(basis, &mut rng));
        let noise = Zeroizing::new(self.small(basis, &mut rng));
        let mut flood = self.flood(basis, &mut rng);
        basis.add(&mut flood, &scaled(&self.plain(basis), self.modulus, basis));
        basis.each(&mut flood, |prime, _, row| prime.forward(row));
        let [z0, z1] = self.zero;
        basis.add(c0, &times(z0, &u, basis));
        basis.add(c0, &flood);
        basis.add(c1, &times(z1, &u, basis));
        basis.add(c1, &noise);
    }

    fn plain(&self, basis: &Basis) -> Vec<u64> {
        let mut coefficients = vec![0; basis.degree];
        self.places.iter().for_each(|place| coefficients[*place] = self.constant);
        coefficients
    }

    /// A polynomial with coefficients of the distribution of secrets: the difference of the ones among
    /// `2 v` bits and `2 v` more.
    fn small(&self, basis: &Basis, rng: &mut ChaCha20Rng) -> Rows {
        let bits = 2 * self.variance.min(16);
        let ones = |word: u64| i64::from((word & ((1 << bits) - 1)).count_ones());
        let coefficients: Zeroizing<Vec<i64>> =
            Zeroizing::new((0..basis.degree).map(|_| ones(rng.next_u64()) - ones(rng.next_u64())).collect());
        signed(&coefficients, basis)
    }

    /// Coefficients uniform in `-2^b..2^b`, the same number modulo every prime.
    fn flood(&self, basis: &Basis, rng: &mut ChaCha20Rng) -> Rows {
        let words = (self.flood_bits as usize + 1).div_ceil(64);
        let top = u64::MAX >> (64 * words - self.flood_bits as usize - 1);
        let mut numbers = Zeroizing::new(vec![0u64; words * basis.degree]);
        for number in numbers.chunks_exact_mut(words) {
            number.iter_mut().for_each(|word| *word = rng.next_u64());
            // The words of a number, the highest first.
            number[0] &= top;
        }
        let mut rows = basis.zero();
        basis.each(&mut rows, |prime, _, row| {
            let half = (0..self.flood_bits).fold(1, |power, _| prime.add(power, power));
            for (residue, number) in row.iter_mut().zip(numbers.chunks_exact(words)) {
                let rest = |rest: u64, word: &u64| prime.reduce((u128::from(rest) << 64) | u128::from(*word));
                *residue = prime.sub(number.iter().fold(0, rest), half);
            }
        });
        rows
    }
}
