//! The noise of a scan program, bounded before it runs.
//!
//! A ciphertext of m decrypts as `(q/t) m + e`, correctly while every coefficient of the noise e is
//! below `q / 2t`. We follow the *variance* of a coefficient of e through every step, as in the
//! average-case analyses of BFV (Costache, Curtis, Hales, Murphy, Ogilvie, Player: *On the precision
//! loss in approximate homomorphic encryption*, 2022; Biasioli, Marcolla, Calderini, Mono: *Improving
//! and automating BFV parameters selection: an average-case approach*, 2023). With N coefficients,
//! variance v of secret and noise, moduli q_i:
//!
//! - fresh: `v` (and at most 1 for rounding `(q/t) m`);
//! - a sum: variances add for slices, which are independent; for anything else deviations add, as if
//!   the terms were the same;
//! - a linear combination: as a sum, each deviation times the coefficient;
//! - product: `e1 M2 + e2 M1 + (t/q) e1 e2`, where
//!   `M = t (c0 + c1 s) / q` has variance `t^2 (1 + N v) / 12`, because a ciphertext is uniform. An e
//!   that holds the secret to the power k already, times another s, has (k+1) times the product of the
//!   variances (the k-th moment of an exponential variable is k!);
//! - relinearisation with `l` moduli: the rounding of three polynomials as the product is scaled down,
//!   and `l q_i^2 N v / 3`, the digits lying in `0..q_i`. Their mean meets the same key error in every chunk,
//!   so across chunks deviations add; of everything else the variances add;
//! - switching down by a product of moduli, to the basis that products are computed in or to the finish
//!   level: divided by its square, and `(1 + N v) / 12` for rounding;
//! - the sum over the slots adds nothing: it is N times coefficient 0 of the plaintext polynomial,
//!   multiplied after decryption.
//!
//! The bound is [`TAIL`] deviations. For a normal variable that is exceeded with probability below
//! 2^-90, so below 2^-64 over all coefficients (2^14), outputs (2^10) and still some; like every
//! average-case analysis it is a heuristic, and `sdk/fhe` compares it with measured noise.
//!
//! Platform and gate must agree on accepting or refusing a program. Floating-point addition,
//! multiplication, division and square root are exact to the bit by IEEE 754; only `log2` may differ
//! in the last place between machines, far below the margin of a bit.

mod basis;
mod flooding;
mod form;
mod model;
mod network;

use crate::{
    bounds::BoundError,
    program::{Register, ScanProgram, Step},
};

pub use basis::{MAX_PARTIAL_BYTES, finishes_early, partial_bytes, working_moduli};
pub use flooding::{FLOODING_BITS, Flooding, flooding};
pub use form::{degrees, depths};
use model::{Model, Noise};
pub use network::prediction_flooding;

/// What is known of a program's noise before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanNoise {
    /// Bits that no coefficient of the noise exceeds, where the distance to the budget is smallest.
    pub noise_bits: u32,
    /// Bits of noise that still decrypt there.
    pub budget_bits: u32,
    /// Multiplicative depth.
    pub depth: u32,
}

impl ScanNoise {
    fn room(self) -> i64 {
        i64::from(self.budget_bits) - i64::from(self.noise_bits)
    }

    fn narrower(self, other: Self) -> Self {
        let narrow = if other.room() < self.room() { other } else { self };
        Self { depth: self.depth.max(other.depth), ..narrow }
    }
}

/// Checks a program over so many chunks against the noise its parameter set bears: in every
/// register, and after switching down, where too few moduli would destroy the plaintext silently.
/// Checks too that sums of products have room before they are scaled down.
///
/// # Errors
/// When it is not well formed or could exceed the noise budget or that room.
pub fn scan_noise(program: &ScanProgram, chunks: u64) -> Result<ScanNoise, BoundError> {
    let noise = noise_in(program, chunks, working_moduli(program)?)?;
    if !finishes_early(program)? {
        return Ok(noise);
    }
    // The roundings of chunks that are finished one by one add up, at worst as if they were the same.
    let noise = ScanNoise { noise_bits: noise.noise_bits + chunks.max(1).ilog2() + 1, ..noise };
    Model::of(program, working_moduli(program)?)?.check(noise)
}

/// As [`scan_noise`], with the products of a well-formed program in a basis of so many moduli.
fn noise_in(program: &ScanProgram, chunks: u64, working: usize) -> Result<ScanNoise, BoundError> {
    let model = Model::of(program, working)?;
    let degrees = degrees(program)?;
    let chunks = chunks.max(1);
    basis::head_room(program, model.numbers, chunks, working)?;
    let noises = registers(&model, program, None);
    let mut narrowest = model.at(model.fresh(), model.moduli(0));
    for noise in &noises {
        narrowest = narrowest.narrower(model.check(model.at(*noise, model.moduli(noise.depth)))?);
    }
    for register in &program.outputs {
        let (noise, degree) = (noises[*register as usize], degrees[*register as usize]);
        let finished = model.finished(noise, degree, chunks as f64);
        narrowest = narrowest.narrower(model.check(finished)?);
    }
    Ok(narrowest)
}

/// Bits that no coefficient of the noise of each register exceeds, in one chunk and in the moduli that
/// the register has.
///
/// # Errors
/// When the program is not well formed.
pub fn register_noise(program: &ScanProgram) -> Result<Vec<u32>, BoundError> {
    let model = Model::of(program, working_moduli(program)?)?;
    let bits = |noise: &Noise| model.at(*noise, model.moduli(noise.depth)).noise_bits;
    Ok(registers(&model, program, None).iter().map(bits).collect())
}

/// The noise of every register of a well-formed program. If that of slices is given, they are taken not to
/// be independent of each other.
fn registers(model: &Model, program: &ScanProgram, given: Option<Noise>) -> Vec<Noise> {
    let mut noises = vec![given.unwrap_or_else(|| model.fresh()); program.slices.len()];
    let slices = if given.is_some() { 0 } else { program.slices.len() };
    for step in &program.steps {
        let at = |register: &Register| noises[*register as usize];
        let noise = match step {
            Step::Sum(operands) => {
                combination(model, operands.iter().map(|register| (*register, 1)), slices, at)
            }
            Step::Subtract(a, b) => combination(model, [(*a, 1), (*b, -1)].into_iter(), slices, at),
            Step::Combine(terms) => combination(model, terms.iter().copied(), slices, at),
            Step::Multiply(a, b) => model.relinearised(model.product(at(a), at(b))),
            Step::MultiplyRaw(a, b) => model.product(at(a), at(b)),
            Step::Relinearise(a) => model.relinearised(at(a)),
        };
        noises.push(noise);
    }
    noises
}

/// The noise of a linear combination: of distinct slices the variances add, of anything else the
/// deviations.
fn combination(
    model: &Model,
    terms: impl Iterator<Item = (Register, i64)>,
    slices: usize,
    at: impl Fn(&Register) -> Noise,
) -> Noise {
    let times = |noise: Noise, coefficient: i64| noise.scaled((coefficient as f64).powi(2));
    let mut merged: Vec<(Register, i64)> =
        terms.map(|(r, coefficient)| (r, coefficient.saturating_abs())).collect();
    merged.sort_unstable();
    merged.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 = if same { kept.1.saturating_add(next.1) } else { kept.1 };
        same
    });
    let (early, late) =
        merged.split_at(merged.partition_point(|(register, _)| (*register as usize) < slices));
    let weight: f64 = early.iter().map(|(_, coefficient)| (*coefficient as f64).powi(2)).sum();
    let of_slices = (!early.is_empty()).then(|| model.fresh().scaled(weight));
    let (before, after): (Vec<Noise>, Vec<Noise>) = late
        .iter()
        .map(|(register, coefficient)| times(at(register), *coefficient))
        .partition(|noise| noise.depth == 0);
    let before = of_slices.into_iter().chain(before).reduce(Noise::plus);
    let after = after.into_iter().reduce(Noise::plus);
    match (before, after) {
        // What has not been multiplied yet is brought to the moduli of the products.
        (Some(before), Some(after)) => model.lowered(before).plus(after),
        (before, after) => before.or(after).unwrap_or_else(|| model.fresh()),
    }
}
