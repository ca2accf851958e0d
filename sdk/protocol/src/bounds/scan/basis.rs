//! In which moduli a scan program computes.
//!
//! A slice has all moduli of its parameter set (the *full* basis), and sums of slices keep them. A
//! product is computed modulo as few of them as the noise of the program allows (the *working* basis,
//! the first ones): operands are divided by the product of the others and rounded as they are
//! extended. Products themselves need room for `N q^2 / 2`, so they are held modulo the working basis
//! and one more modulus of 62 bits than it has (the *extended* basis), until they are scaled down.
//!
//! All of this follows from the program alone, so that platform and gate compute the same bytes.

use crate::{
    bounds::{
        BoundError,
        scan::{degrees, depths, noise_in},
    },
    parameters::{ParameterSet, ScanParameters},
    program::{ScanProgram, Step},
};

/// Chunks for which the working basis is chosen: more would be a billion rows.
const CHUNKS: u64 = 1 << 16;

/// Bits of an extension modulus, rounded down.
const EXTENSION_BITS: f64 = 61.999;

/// Bits kept free in the extended basis, so that its values are never near half its modulus, where
/// rounding could go either way.
const EXTENSION_MARGIN: f64 = 2.0;

impl ScanParameters {
    /// Moduli that are left at the finish level.
    pub const fn finish_moduli(&self) -> usize {
        self.moduli.len() - self.finish_level
    }

    /// Moduli in which the products of an output are relinearised: one more than at the finish level,
    /// whose division makes the noise of relinearisation small.
    pub const fn relinearisation_moduli(&self) -> usize {
        if self.finish_level == 0 { self.moduli.len() } else { self.finish_moduli() + 1 }
    }

    /// Moduli of the extended basis that belongs to a working basis of so many.
    pub const fn extended_moduli(working: usize) -> usize {
        2 * working + 1
    }
}

/// Moduli of the working basis of a program.
///
/// # Errors
/// When it is not well formed.
pub fn working_moduli(program: &ScanProgram) -> Result<usize, BoundError> {
    let not_scan = BoundError::Malformed { step: 0, reason: "its parameter set is not a scan set" };
    let numbers = program.parameter_set.bfv().ok_or(not_scan)?;
    degrees(program)?;
    let full = numbers.moduli.len();
    let fits = |working: &usize| noise_in(program, CHUNKS, *working).is_ok();
    Ok((numbers.relinearisation_moduli()..full).find(fits).unwrap_or(full))
}

/// The most bytes of sums that may be held for each lane of an evaluation.
pub const MAX_PARTIAL_BYTES: u64 = 384 << 20;
/// Bytes of the sums of one chunk from which on they are finished chunk by chunk: what can be held is not.
const EARLY_BYTES: u64 = MAX_PARTIAL_BYTES;

/// Whether outputs are finished chunk by chunk, as soon as they are computed, and the results added up:
/// slower where there are many chunks, but the sums of one take as much memory as a result. So it is
/// where they would be too many to be held, and in the set that is made for so many outputs.
///
/// # Errors
/// When the program is not well formed.
pub fn finishes_early(program: &ScanProgram) -> Result<bool, BoundError> {
    Ok(program.parameter_set == ParameterSet::Score16kV1 && sums_bytes(program)? > EARLY_BYTES)
}

/// Bytes that the results of one chunk take.
///
/// # Errors
/// When the program is not well formed.
pub fn partial_bytes(program: &ScanProgram) -> Result<u64, BoundError> {
    match program.parameter_set.scan() {
        Some(numbers) if finishes_early(program)? => {
            let words = numbers.finish_moduli() * (numbers.degree + 1);
            Ok(8 * (words * program.outputs.len()) as u64)
        }
        _ => sums_bytes(program),
    }
}

/// Bytes of the sums of one chunk, before they are finished.
fn sums_bytes(program: &ScanProgram) -> Result<u64, BoundError> {
    let working = working_moduli(program)?;
    let Some(numbers) = program.parameter_set.bfv() else { return Ok(0) };
    let (degrees, depths) = (degrees(program)?, depths(program));
    let rows = |register: usize| match (degrees[register], depths[register]) {
        (2, _) => 3 * ScanParameters::extended_moduli(working),
        (_, 0) => 2 * numbers.moduli.len(),
        _ => 2 * working,
    };
    let rows: usize = program.outputs.iter().map(|register| rows(*register as usize)).sum();
    Ok(8 * (rows * numbers.degree) as u64)
}

/// Checks that no sum of products overflows the extended basis: not within a chunk, nor that of an
/// output over all chunks.
pub(super) fn head_room(
    program: &ScanProgram,
    numbers: &ScanParameters,
    chunks: u64,
    working: usize,
) -> Result<(), BoundError> {
    let weights = weights(program);
    let outputs = program.outputs.iter().map(|register| weights[*register as usize] * chunks as f64);
    let largest = weights.iter().copied().chain(outputs).fold(1.0, f64::max);
    let bits: f64 = numbers.moduli[..working].iter().map(|q| (*q as f64).log2()).sum();
    // The middle one of the three polynomials of a product is below N q^2 / 2, and centred values are
    // below half the modulus.
    let room =
        EXTENSION_BITS * (working + 1) as f64 - bits - (numbers.degree as f64).log2() - EXTENSION_MARGIN;
    if largest.log2() > room {
        let (set, weight_bits) = (program.parameter_set, largest.log2().ceil() as u32);
        return Err(BoundError::Products { set, weight_bits, limit_bits: room.max(0.0) as u32 });
    }
    Ok(())
}

/// How many products each register of degree 2 adds up, each as often as its coefficient says.
fn weights(program: &ScanProgram) -> Vec<f64> {
    let mut weights = vec![0f64; program.slices.len()];
    for step in &program.steps {
        let at = |register: &u32| weights[*register as usize];
        let weight = match step {
            Step::MultiplyRaw(..) => 1.0,
            Step::Multiply(..) | Step::Relinearise(_) => 0.0,
            Step::Sum(_) | Step::Subtract(..) => step.operands().iter().map(at).sum(),
            Step::Combine(terms) => terms.iter().map(|(r, c)| c.abs_diff(0) as f64 * at(r)).sum(),
        };
        weights.push(weight);
    }
    weights
}
