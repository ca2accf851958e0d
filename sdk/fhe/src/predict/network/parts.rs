//! A score is what its units add; each alone would say more than was bought. So random numbers are added to
//! them, whose sum is the constant of the score, and to all slots that are of no unit.

use rand::Rng;
use sordino_protocol::predict::NetworkSlots;

/// A vector to add to the slots of one score.
pub(in crate::predict) fn parts<R: Rng>(
    slots: NetworkSlots,
    constant: i64,
    modulus: u64,
    degree: usize,
    rng: &mut R,
) -> Vec<u64> {
    let mut values: Vec<u64> = (0..degree).map(|_| rng.random_range(0..modulus)).collect();
    let constant = i128::from(constant).rem_euclid(i128::from(modulus)) as u64;
    for row in 0..slots.rows() {
        let others: u64 = (1..slots.units).map(|unit| values[slots.slot(row, unit)]).sum();
        values[slots.slot(row, 0)] = (constant + modulus - others % modulus) % modulus;
    }
    values
}
