//! Hides what an output was computed with: adds an encryption of 0 under the client's public key, noise
//! that drowns that of the output, and the constant of the score. See
//! [`sordino_protocol::bounds::flooding`] for how much and why.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

use crate::{
    predict::{
        noise::{Flood, small},
        plain::{scaled, signed, times},
    },
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
    /// What is added to the plaintext, modulo t, in coefficient 0: the same in every slot.
    pub(super) constant: u64,
}

impl Mask<'_> {
    /// Of a ciphertext in the first moduli, in the domain of the transform. The first rows of the
    /// public key are a public key modulo these alone.
    pub(super) fn apply(&self, [c0, c1]: &mut [Rows; 2], basis: &Basis, seed: &[u8; 32]) {
        let mut rng = ChaCha20Rng::from_seed(*seed);
        let u = Zeroizing::new(self.small(basis, &mut rng));
        let noise = Zeroizing::new(self.small(basis, &mut rng));
        let mut flood = self.flood(basis, &mut rng);
        basis.add(&mut flood, &scaled(&[self.constant], self.modulus, basis));
        basis.each(&mut flood, |prime, _, row| prime.forward(row));
        let [z0, z1] = self.zero;
        basis.add(c0, &times(z0, &u, basis));
        basis.add(c0, &flood);
        basis.add(c1, &times(z1, &u, basis));
        basis.add(c1, &noise);
    }

    /// A polynomial with coefficients of the distribution of secrets.
    fn small(&self, basis: &Basis, rng: &mut ChaCha20Rng) -> Rows {
        signed(&small(basis.degree, self.variance, rng), basis)
    }

    /// The coefficients of the noise that drowns.
    fn flood(&self, basis: &Basis, rng: &mut ChaCha20Rng) -> Rows {
        let flood = Flood::draw(self.flood_bits, basis.degree, rng);
        let mut rows = basis.zero();
        basis.each(&mut rows, |prime, _, row| {
            row.iter_mut().zip(flood.residues(prime)).for_each(|(residue, e)| *residue = e);
        });
        rows
    }
}
