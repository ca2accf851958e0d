//! The noise of what goes into the polynomials of a network: of sums of products with vectors, rotated.
//!
//! A rotation permutes the coefficients of the noise and changes some signs, so it keeps the variance; the
//! key switch that follows adds its own. Whatever is added to something rotated may be the same, so that
//! deviations add.

use super::{
    flooding::{Flooding, flooding, flooding_from},
    model::{Model, Noise},
};
use crate::{
    bounds::BoundError,
    predict::{Evaluation, NetworkSlots, PredictionProgram},
};

/// The fewest moduli in which a prediction can be computed and hidden, and how.
///
/// # Errors
/// When it is not well formed, or there is too little room in every basis.
pub fn prediction_flooding(program: &PredictionProgram) -> Result<Flooding, BoundError> {
    let line = program.scan_program();
    if !matches!(program.evaluation, Evaluation::Network(_)) {
        return flooding(&line);
    }
    let slots = NetworkSlots::of(&program.form);
    let lost = BoundError::Malformed { step: 0, reason: "the slots of its network cannot be" };
    let (slots, ciphertexts) = (slots.ok_or(lost)?, program.form.ciphertexts(1));
    flooding_from(&line, Some(&|model: &Model| level(model, slots, ciphertexts)))
}

/// Of the levels of all units.
fn level(model: &Model, slots: NetworkSlots, ciphertexts: usize) -> Noise {
    // Ciphertexts are independent; their products with the vectors of different rotations are not.
    let products = model.fresh().scaled(model.vector() * ciphertexts as f64);
    let along = |start: Noise, added: Noise, times: usize| {
        (0..times).fold(start, |sum, _| model.switched(sum).plus(added))
    };
    let sum = along(products, products, slots.period() - 1);
    slots.folds().iter().fold(sum, |sum, _| along(sum, sum, 3))
}
