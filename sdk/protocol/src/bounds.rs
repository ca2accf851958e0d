//! Static bounds: before a program runs it is known that no sum wraps and no noise reaches the
//! plaintext. What does not fit is refused by name.

mod scan;

use crate::{
    layout::CellSum,
    parameters::{ParameterSet, ROLLUP_V1},
    schema::Schema,
};

pub use scan::{
    FLOODING_BITS, Flooding, MAX_PARTIAL_BYTES, ScanNoise, degrees, depths, finishes_early, flooding,
    partial_bytes, prediction_flooding, register_noise, scan_noise, working_moduli,
};

/// Which bound a program exceeds, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundError {
    /// A sum could exceed the plaintext space and wrap.
    #[error(
        "a sum could reach {largest}, above the {limit} that {set} holds: publish with more limbs or wider parameters"
    )]
    Overflow {
        /// The set.
        set: ParameterSet,
        /// The largest possible sum.
        largest: u128,
        /// The largest that is held.
        limit: u64,
    },
    /// The noise could reach the plaintext.
    #[error(
        "noise of {noise_bits} bits leaves no margin below the {budget_bits} bits of {set} (multiplicative depth {depth}): ask about fewer dimensions at once"
    )]
    Noise {
        /// The set.
        set: ParameterSet,
        /// Predicted bits of noise at the narrowest point.
        noise_bits: u32,
        /// Bits available there.
        budget_bits: u32,
        /// Multiplicative depth of the program.
        depth: u32,
    },
    /// Sums of products could exceed the numbers they are held in before they are scaled down.
    #[error(
        "2^{weight_bits} products would be added, more than the 2^{limit_bits} that {set} has room for: use smaller constants or fewer rows"
    )]
    Products {
        /// The set.
        set: ParameterSet,
        /// Bits of the number of products, each as often as its coefficients say.
        weight_bits: u32,
        /// Bits that there is room for.
        limit_bits: u32,
    },
    /// The program is not well formed (only possible for one that was not made by the planner).
    #[error("step {step}: {reason}")]
    Malformed {
        /// Position in the program.
        step: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

/// The largest possible sum over all rows; 0 for a measure that the schema does not have.
pub fn total(schema: &Schema, rows: u64, sum: CellSum) -> u128 {
    let width = |id| u128::from(schema.column(id).measure.as_ref().map_or(0, |measure| measure.width()));
    let largest = match sum {
        CellSum::Rows | CellSum::Present(_) => 1,
        CellSum::Sum(id) => width(id),
        CellSum::SumOfSquares(id) => width(id).saturating_mul(width(id)),
        CellSum::Product(one, other) => width(one).saturating_mul(width(other)),
    };
    largest.saturating_mul(u128::from(rows))
}

/// Checks that the noise of a sum of so many cells stays below half a unit of the plaintext, but for
/// a probability of `2^-64`; returns the bits of noise that it stays below.
///
/// An error of a cell is TUniform(b): up to a coin that centres it, a uniform integer of `b + 1`
/// bits, which is a sum of independent coins worth `2^(i-1)` either way. Hoeffding's inequality over
/// all coins of `n` cells bounds the sum by `t` but for `2 exp(-t^2 / (2 n v))`, where `v` is the sum
/// of the squared worths, below `4^b / 3 + 1`.
///
/// # Errors
/// When too many cells are added.
pub fn rollup_noise(selected: u64) -> Result<u32, BoundError> {
    let deviation = 4u128.pow(ROLLUP_V1.noise_bits) / 3 + 1;
    // 2 exp(-x) = 2^-64 where 2x = 130 ln 2, which is below 91.
    let square = 91 * u128::from(selected) * deviation;
    let bits = (0..64).find(|bits| square.checked_shr(2 * *bits).unwrap_or(0) == 0).unwrap_or(64);
    let budget_bits = ROLLUP_V1.scale_bits - 1;
    if bits > budget_bits {
        let set = ParameterSet::RollupV1;
        return Err(BoundError::Noise { set, noise_bits: bits, budget_bits, depth: 0 });
    }
    Ok(bits)
}
