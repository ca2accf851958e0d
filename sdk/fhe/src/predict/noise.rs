//! The randomness of encryption and of hiding.

use rand::RngCore;
use zeroize::Zeroizing;

use crate::ring::Prime;

/// Coefficients of the distribution of secrets, centred binomial of some variance up to 16: the
/// difference of the ones among `2 v` bits and among `2 v` more.
pub(super) fn small(degree: usize, variance: usize, rng: &mut impl RngCore) -> Zeroizing<Vec<i64>> {
    let bits = 2 * variance.min(16);
    let mask = (1 << bits) - 1;
    let ones = |bits: u128| i64::from((bits as u64 & mask).count_ones());
    let (mut pool, mut filled) = (0u128, 0);
    let one = |_| {
        // What is left of a word serves the next coefficient: drawing is what takes the time.
        if filled < 2 * bits {
            pool |= u128::from(rng.next_u64()) << filled;
            filled += 64;
        }
        let coefficient = ones(pool) - ones(pool >> bits);
        pool >>= 2 * bits;
        filled -= 2 * bits;
        coefficient
    };
    Zeroizing::new((0..degree).map(one).collect())
}

/// Numbers uniform in `-2^b..2^b`, to drown noise in.
pub(super) struct Flood {
    bits: u32,
    /// Words of a number.
    words: usize,
    /// The words of all numbers plus `2^b`, the highest of each first.
    numbers: Zeroizing<Vec<u64>>,
}

impl Flood {
    pub(super) fn draw(bits: u32, count: usize, rng: &mut impl RngCore) -> Self {
        let words = (bits as usize + 1).div_ceil(64);
        let top = u64::MAX >> (64 * words - bits as usize - 1);
        let mut numbers = Zeroizing::new(vec![0u64; words * count]);
        for number in numbers.chunks_exact_mut(words) {
            number.iter_mut().for_each(|word| *word = rng.next_u64());
            number[0] &= top;
        }
        Self { bits, words, numbers }
    }

    /// The numbers modulo a prime: the same ones for every prime.
    pub(super) fn residues(&self, prime: &Prime) -> impl Iterator<Item = u64> {
        let half = (0..self.bits).fold(1, |power, _| prime.add(power, power));
        let rest = |rest: u64, word: &u64| prime.reduce((u128::from(rest) << 64) | u128::from(*word));
        let numbers = self.numbers.chunks_exact(self.words);
        numbers.map(move |number| prime.sub(number.iter().fold(0, rest), half))
    }
}
