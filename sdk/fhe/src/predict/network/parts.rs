//! A score is what its units add; each alone would say more than was bought. So random numbers are added to
//! them, whose sum is the constant of the score, and to all slots that are of no unit.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::Run;
use crate::{error::FheError, parameters::scan};

/// The stream of a seed that parts are drawn from; what hides an output takes the first.
const STREAM: u64 = 1;

impl Run<'_> {
    /// A vector to add to the slots of one score.
    pub(in crate::predict) fn parts(&self, constant: i64, seed: &[u8; 32]) -> Result<Vec<u64>, FheError> {
        let numbers = scan(self.set)?;
        let modulus = numbers.plaintext_modulus;
        let mut rng = ChaCha20Rng::from_seed(*seed);
        rng.set_stream(STREAM);
        let mut values: Vec<u64> = (0..numbers.degree).map(|_| rng.random_range(0..modulus)).collect();
        let constant = i128::from(constant).rem_euclid(i128::from(modulus)) as u64;
        for row in 0..self.slots.rows() {
            let others: u64 = (1..self.slots.units).map(|unit| values[self.slots.slot(row, unit)]).sum();
            values[self.slots.slot(row, 0)] = (constant + modulus - others % modulus) % modulus;
        }
        Ok(values)
    }
}
