//! Keeps back the scores of rows that were not paid for.
//!
//! Inputs are encrypted, so the platform cannot see how many of a ciphertext's places hold a row: a
//! client could pay for one and fill them all. So in a batch a random number is added to every slot of rows
//! beyond those that are paid: it is uniform modulo t, which leaves nothing of the score in it, and adds less
//! than one to the noise. Where a row's score is one coefficient, a random one takes its place.

use fhe::bfv::{Encoding, Plaintext};
use fhe_math::rq::{Poly, Representation, traits::TryConvertFrom};
use fhe_traits::FheEncoder;
use rand::{CryptoRng, Rng, RngCore};
use sordino_protocol::{
    parameters::ScanParameters,
    predict::{InputForm, NetworkSlots, Packing},
};

use crate::{
    error::FheError,
    parameters::{bfv, scan},
    predict::outputs_size,
    scan::wire::{bits, pack, unpack},
    trust::{HEADER, Object, limit},
};

const OBJECT: Object = Object::PredictionOutputs;
/// Bytes before the first score: the header and the number of scores.
const FRAME: usize = HEADER + 4;

/// Hides all but the first `rows` rows of the outputs of a prediction. Where one row is all there is,
/// nothing changes.
///
/// `rng` must be cryptographically secure and seeded by the operating system.
///
/// # Errors
/// When the bytes are no outputs of that form.
pub fn withhold<R: RngCore + CryptoRng>(
    form: &InputForm,
    rows: usize,
    mut outputs: Vec<u8>,
    rng: &mut R,
) -> Result<Vec<u8>, FheError> {
    let numbers = scan(form.parameter_set)?;
    let size = outputs_size(form, rows)?;
    limit(OBJECT, outputs.len() as u64, size)?;
    if outputs.len() as u64 != size {
        return Err(OBJECT.malformed("it ends early").into());
    }
    let each = (outputs.len() - FRAME) / form.outputs(rows).max(1);
    for (index, score) in outputs[FRAME..].chunks_exact_mut(each.max(1)).enumerate() {
        match &form.packing {
            Packing::Batch { .. } if rows < numbers.degree => {
                let summand = random_where(form, |slot| slot >= rows, numbers, rng)?;
                add(score, &summand, numbers)?;
            }
            Packing::Network { .. } => {
                let Some(slots) = NetworkSlots::of(form) else {
                    return Err(FheError::Prediction("a network has no such slots"));
                };
                let unpaid = beyond(slots, rows, numbers.degree);
                add(score, &random_where(form, |slot| unpaid[slot], numbers, rng)?, numbers)?;
            }
            Packing::Rows { .. } => {
                // Ciphertexts of the same rows follow each other, score by score.
                let first = index / form.scores.max(1) as usize * form.rows_of_one();
                replace(score, rows.saturating_sub(first), form.rows_of_one(), numbers, rng);
            }
            Packing::Batch { .. } | Packing::Trees { .. } => {}
        }
    }
    Ok(outputs)
}

/// Puts random residues where the scores of rows from `kept` on are: 8 bytes each, modulus by modulus.
fn replace<R: RngCore + CryptoRng>(
    score: &mut [u8],
    kept: usize,
    rows: usize,
    numbers: &ScanParameters,
    rng: &mut R,
) {
    let moduli = &numbers.moduli[..numbers.finish_moduli()];
    for (words, modulus) in score.chunks_exact_mut(8 * rows.max(1)).zip(moduli) {
        for word in words.chunks_exact_mut(8).skip(kept) {
            word.copy_from_slice(&rng.random_range(0..*modulus).to_le_bytes());
        }
    }
}

/// For each slot whether it is of a row beyond those that were paid for.
fn beyond(slots: NetworkSlots, rows: usize, degree: usize) -> Vec<bool> {
    let mut beyond = vec![false; degree];
    for row in rows..slots.rows() {
        (0..slots.groups).for_each(|group| beyond[slots.slot(row, group)] = true);
    }
    beyond
}

/// The coefficients modulo t of a plaintext with random numbers in some slots and 0 in the others.
fn random_where<R: RngCore + CryptoRng>(
    form: &InputForm,
    is_random: impl Fn(usize) -> bool,
    numbers: &ScanParameters,
    rng: &mut R,
) -> Result<Vec<u64>, FheError> {
    let modulus = numbers.plaintext_modulus;
    let slot = |slot| if is_random(slot) { rng.random_range(0..modulus) } else { 0 };
    let slots: Vec<u64> = (0..numbers.degree).map(slot).collect();
    let set = bfv(form.parameter_set)?;
    let plain = Plaintext::try_encode(slots.as_slice(), Encoding::simd(), set)
        .map_err(FheError::bfv("encoding a vector"))?;
    let context = set.context_at_level(0).map_err(FheError::bfv("encoding a vector"))?;
    let mut polynomial = Poly::try_convert_from(&plain, context, false, Representation::Ntt)
        .map_err(FheError::math("encoding a vector"))?;
    polynomial.change_representation(Representation::PowerBasis);
    // Below t, so below every modulus of the set: the residues modulo the first are the coefficients.
    Ok(polynomial.coefficients().row(0).iter().copied().collect())
}

/// Adds a plaintext to the first polynomial of a score, scaled by q / t where q is the product of the
/// moduli that outputs have.
fn add(score: &mut [u8], plain: &[u64], numbers: &ScanParameters) -> Result<(), FheError> {
    let t = u128::from(numbers.plaintext_modulus);
    let moduli = &numbers.moduli[..numbers.finish_moduli()];
    let q = moduli.iter().fold(1, |q, p| q * u128::from(*p) % t);
    let mut at = 0;
    for modulus in moduli {
        let length = bits(*modulus) * numbers.degree / 8;
        let bytes = score.get_mut(at..at + length).ok_or_else(|| OBJECT.malformed("it ends early"))?;
        let mut row = Vec::with_capacity(numbers.degree);
        if !unpack(bytes, *modulus, &mut row) {
            return Err(OBJECT.malformed("a coefficient is not reduced").into());
        }
        let p = u128::from(*modulus);
        let inverse = power(t % p, p - 2, p);
        for (coefficient, m) in row.iter_mut().zip(plain) {
            // (q m - r) / t, where r is q m modulo t, closest to 0; and q is 0 modulo p.
            let rest = q * u128::from(*m) % t;
            let minus_rest = if rest > t / 2 { t - rest } else { (p - rest % p) % p };
            *coefficient = ((u128::from(*coefficient) + minus_rest % p * inverse) % p) as u64;
        }
        let mut packed = Vec::with_capacity(length);
        pack(&row, *modulus, &mut packed);
        bytes.copy_from_slice(&packed);
        at += length;
    }
    Ok(())
}

/// `base^exponent` modulo a number below 2^64.
fn power(mut base: u128, mut exponent: u128, modulus: u128) -> u128 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use sordino_protocol::{
        coded::CodedTable,
        parameters::ParameterSet,
        predict::{Evaluation, Input, Output, PredictionProgram},
        program::Step,
        schema::{Column, ColumnId, Measure, Schema},
    };

    use super::*;
    use crate::{
        predict::{ClientKeys, Evaluator, decrypt, encrypt},
        progress::Silent,
    };

    /// A score that is three times a measure plus 5.
    fn program(set: ParameterSet) -> PredictionProgram {
        let inputs = vec![Input::Value(ColumnId(0))];
        let form = InputForm { parameter_set: set, packing: Packing::Batch { inputs }, scores: 1 };
        let evaluation = Evaluation::Steps {
            steps: vec![Step::Combine(vec![(0, 3)])],
            outputs: vec![Output { register: Some(1), constant: 5 }],
        };
        PredictionProgram { form, evaluation }
    }

    #[test]
    fn rows_that_are_not_paid_for_are_noise_and_the_others_exact() {
        let measure = Measure { scale: 0, min: 0, max: 1_000 };
        let column = Column {
            name: "x".to_owned(),
            description: String::new(),
            nullable: false,
            dimension: None,
            measure: Some(measure),
        };
        let schema = Schema { table: "t".to_owned(), null_values: vec![], columns: vec![column] };
        let mut table = CodedTable::new(&schema);
        for row in 0..200 {
            table.push(&schema, row, &[Some(&row.to_string())]).expect("fits");
        }
        for set in [ParameterSet::Predict4kV2, ParameterSet::Predict8kV1, ParameterSet::Scan8kV1] {
            let mut rng = ChaCha20Rng::seed_from_u64(91);
            let (program, keys) = (program(set), ClientKeys::generate(set, &mut rng).expect("keys"));
            let registration = keys.registration(&mut rng).expect("registration");
            let evaluator = Evaluator::new(set, &registration).expect("evaluator");
            let inputs = encrypt(&keys, &program.form, &table, 0..200, &mut rng).expect("encrypted");
            let outputs = evaluator.evaluate(&program, &inputs, &mut rng, &Silent).expect("evaluated");
            let held = withhold(&program.form, 120, outputs.clone(), &mut rng).expect("withheld");
            let scores = decrypt(&keys, &program.form, 0..200, &held).expect("decrypted");
            let right = |(row, scores): (usize, &Vec<i64>)| scores == &[3 * row as i64 + 5];
            assert!(scores.iter().enumerate().take(120).all(right), "{set}");
            assert!(!scores.iter().enumerate().skip(120).any(right), "{set}");
            assert!(withhold(&program.form, 120, outputs[..900].to_vec(), &mut rng).is_err());
        }
    }
}
