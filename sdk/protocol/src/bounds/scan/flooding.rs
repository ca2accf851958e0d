//! How much noise hides what a prediction was computed with.
//!
//! Whoever holds the key sees the noise of what he decrypts. That of a prediction is a function of the
//! client's own encryption noise, which he knows, and of the vendor's weights, which he must not learn:
//! of a linear combination one output would give all weights away by linear algebra. So an encryption
//! of 0 under the client's public key is added, which makes the polynomials look uniform, and a uniform
//! error in `-2^f..2^f`, which drowns the rest. If the noise stays below `2^b`, the distribution of a
//! coefficient is within a statistical distance of `2^(b - f)` of one that does not depend on the
//! weights, and all N coefficients of an output within N times that.
//!
//! At least [`FLOODING_BITS`] lie between b and f, so that the distance is at most 2^-27 an output for
//! N = 8,192 and 2^-26 for N = 16,384. Whatever room is left is used, too: f is two bits below the budget, so
//! that half of the budget and more is left for correct decryption.

use super::{
    basis::head_room,
    degrees,
    model::{Model, Noise, bits},
    registers,
};
use crate::{bounds::BoundError, program::ScanProgram};

/// Bits between the noise of an output and the noise that hides it, at the least.
pub const FLOODING_BITS: u32 = 40;

/// Bits between the hiding noise and the budget.
const ROOM: f64 = 2.0;

/// How the outputs of a prediction are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flooding {
    /// Moduli that products are computed in.
    pub working: usize,
    /// For each output the bits that its own noise stays below.
    pub noise_bits: Vec<u32>,
    /// For each output the bits of the noise that is added.
    pub flood_bits: Vec<u32>,
    /// The same for an output that is a constant.
    pub constant_bits: u32,
}

/// The fewest moduli in which a prediction can be computed and hidden, and how. All outputs must be of
/// degree 1.
///
/// # Errors
/// When it is not well formed, or there is too little room in every basis.
pub fn flooding(program: &ScanProgram) -> Result<Flooding, BoundError> {
    flooding_from(program, None)
}

/// As [`flooding`], of a program whose slices are not fresh but have a noise that is given.
pub(super) fn flooding_from(
    program: &ScanProgram,
    slices: Option<&dyn Fn(&Model) -> Noise>,
) -> Result<Flooding, BoundError> {
    let not_bfv = BoundError::Malformed { step: 0, reason: "its parameter set has no slots" };
    let numbers = program.parameter_set.bfv().ok_or(not_bfv.clone())?;
    if !program.outputs.is_empty() {
        let degrees = degrees(program)?;
        if program.outputs.iter().any(|output| degrees[*output as usize] != 1) {
            let step = program.steps.len();
            return Err(BoundError::Malformed { step, reason: "an output is not relinearised" });
        }
    }
    let mut refused = not_bfv;
    for working in numbers.relinearisation_moduli()..=numbers.moduli.len() {
        match flooding_in(program, working, slices) {
            Ok(flooding) => return Ok(flooding),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn flooding_in(
    program: &ScanProgram,
    working: usize,
    slices: Option<&dyn Fn(&Model) -> Noise>,
) -> Result<Flooding, BoundError> {
    let model = Model::of(program, working)?;
    head_room(program, model.numbers, 1, working)?;
    let noises = registers(&model, program, slices.map(|noise| noise(&model)));
    for noise in &noises {
        model.check(model.at(*noise, model.moduli(noise.depth)))?;
    }
    let constant_bits = (model.budget(model.moduli(0)) - ROOM) as u32;
    let mut flooding = Flooding { working, noise_bits: Vec::new(), flood_bits: Vec::new(), constant_bits };
    for register in &program.outputs {
        let noise = noises[*register as usize];
        let moduli = model.moduli(noise.depth);
        let own = model.at(noise.plus(model.zero()), moduli).noise_bits;
        let room = model.budget(moduli) - ROOM;
        let last = model.numbers.finish_moduli();
        // After switching down the hiding noise takes the same part of the budget, and rounding comes
        // on top.
        let late = (model.budget(last) - ROOM).exp2() + bits(model.rounding()).exp2();
        if f64::from(own + FLOODING_BITS) > room || late.log2() > model.budget(last) {
            let set = program.parameter_set;
            let (noise_bits, budget_bits) = (own + FLOODING_BITS, room.max(0.0) as u32);
            return Err(BoundError::Noise { set, noise_bits, budget_bits, depth: noise.depth });
        }
        flooding.noise_bits.push(own);
        flooding.flood_bits.push(room as u32);
    }
    Ok(flooding)
}
