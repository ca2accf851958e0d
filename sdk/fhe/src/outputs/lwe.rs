//! An output of a rollup program: a sum of cells as one LWE ciphertext.

use sordino_protocol::parameters::ROLLUP_V1;

use crate::{outputs::words, parameters::GLWE_DEGREE};

/// A sum of cells under the flattened GLWE key.
#[derive(Clone, PartialEq, Eq)]
pub struct Lwe {
    pub(crate) mask: Vec<u64>,
    pub(crate) body: u64,
}

impl Lwe {
    /// Words of the canonical form: the mask, then the body.
    pub(super) const WORDS: usize = GLWE_DEGREE + 1;

    pub(crate) fn zero() -> Self {
        Self { mask: vec![0; GLWE_DEGREE], body: 0 }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (mask, more) in self.mask.iter_mut().zip(&other.mask) {
            *mask = mask.wrapping_add(*more);
        }
        self.body = self.body.wrapping_add(other.body);
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.mask.iter().flat_map(|word| word.to_le_bytes()));
        out.extend(self.body.to_le_bytes());
    }

    /// Every word is a valid coefficient, so there is nothing to refuse in [`Self::WORDS`] words.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut mask: Vec<u64> = words(bytes).collect();
        let body = mask.pop().unwrap_or(0);
        Self { mask, body }
    }

    pub(super) fn decrypt(&self, key: &[u64]) -> u64 {
        let product = self
            .mask
            .iter()
            .zip(key)
            .fold(0u64, |sum, (mask, bit)| sum.wrapping_add(mask.wrapping_mul(*bit)));
        let phase = self.body.wrapping_sub(product);
        // Round to the nearest multiple of the scale; what is above wraps modulo 2^value_bits.
        phase.wrapping_add(1 << (ROLLUP_V1.scale_bits - 1)) >> ROLLUP_V1.scale_bits
    }
}
