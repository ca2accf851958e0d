//! The encrypted scores of a prediction, as bytes and decrypted.
//!
//! Bytes: header, number of ciphertexts (4), then for each the first polynomial and the second at the
//! finish level, modulus by modulus, packed as many bits a coefficient as the modulus has. Where scores
//! are in some coefficients, the first polynomial has only these, in words of 8 bytes: the others are
//! combinations of single trees and inputs, and nothing that is bought.

use std::ops::Range;

use fhe::bfv::{Ciphertext, Encoding};
use fhe_math::rq::{Poly, Representation, traits::TryConvertFrom};
use fhe_traits::{FheDecoder, FheDecrypter};
use sordino_protocol::{
    parameters::{ParameterSet, ScanParameters},
    predict::{InputForm, NetworkSlots, Packing},
};

use crate::{
    error::FheError,
    outputs::words,
    parameters::{bfv, scan},
    pool,
    predict::{ClientKeys, seal::open},
    ring::Rows,
    scan::wire::{bits, pack, unpack},
    trust::{HEADER, Object, Reader, TrustError, guard, header, limit},
};

const OBJECT: Object = Object::PredictionOutputs;

/// One score at the finish level, by coefficients.
pub(super) struct Score {
    /// All coefficients, or those at [`places`], modulus by modulus.
    pub(super) body: Rows,
    pub(super) mask: Rows,
}

/// The moduli of the finish level.
fn moduli(numbers: &ScanParameters) -> &[u64] {
    &numbers.moduli[..numbers.finish_moduli()]
}

fn packed(numbers: &ScanParameters) -> usize {
    moduli(numbers).iter().map(|modulus| bits(*modulus) * numbers.degree / 8).sum()
}

/// The coefficients that hold scores, of a packing that does not use slots; otherwise the coefficient
/// of what is the same in every slot.
pub(super) fn places(form: &InputForm) -> Vec<usize> {
    match &form.packing {
        Packing::Batch { .. } | Packing::Trees { .. } | Packing::Network { .. } => vec![0],
        Packing::Rows { inputs } => {
            let each = inputs.len().max(1);
            (1..=form.rows_of_one()).map(|row| row * each - 1).collect()
        }
    }
}

/// Bytes of one score.
fn score_size(form: &InputForm) -> Result<usize, FheError> {
    let numbers = scan(form.parameter_set)?;
    let some = || 8 * numbers.finish_moduli() * places(form).len();
    let body = if is_whole(form) { packed(numbers) } else { some() };
    Ok(body + packed(numbers))
}

/// Whether all slots are scores, or parts of them.
const fn is_whole(form: &InputForm) -> bool {
    matches!(form.packing, Packing::Batch { .. } | Packing::Network { .. })
}

/// Bytes of the answer to a request of so many rows; it has no other size.
///
/// # Errors
/// When the form's set has no slots.
pub fn outputs_size(form: &InputForm, rows: usize) -> Result<u64, FheError> {
    Ok((HEADER + 4) as u64 + form.outputs(rows) as u64 * score_size(form)? as u64)
}

/// The bytes of all scores.
pub(super) fn write(form: &InputForm, scores: &[Score]) -> Result<Vec<u8>, FheError> {
    let numbers = scan(form.parameter_set)?;
    let mut bytes = Vec::with_capacity(HEADER + 4 + scores.len() * score_size(form)?);
    bytes.extend(header(OBJECT, form.parameter_set));
    bytes.extend((scores.len() as u32).to_le_bytes());
    let whole = |rows: &Rows, bytes: &mut Vec<u8>| {
        let rows = rows.chunks_exact(numbers.degree).zip(moduli(numbers));
        rows.for_each(|(row, modulus)| pack(row, *modulus, bytes));
    };
    for score in scores {
        if is_whole(form) {
            whole(&score.body, &mut bytes);
        } else {
            bytes.extend(score.body.iter().flat_map(|word| word.to_le_bytes()));
        }
        whole(&score.mask, &mut bytes);
    }
    Ok(bytes)
}

/// Reads all scores; coefficients that are not reduced are refused.
pub(super) fn read(bytes: &[u8], form: &InputForm, rows: usize) -> Result<Vec<Score>, FheError> {
    limit(OBJECT, bytes.len() as u64, outputs_size(form, rows)?)?;
    let count = form.outputs(rows);
    let mut reader = Reader::new(OBJECT, bytes);
    reader.header(form.parameter_set)?;
    if reader.u32()? as usize != count {
        return Err(OBJECT.malformed("it has another number of ciphertexts than the rows need").into());
    }
    let scores: Result<Vec<Score>, FheError> = (0..count).map(|_| read_score(&mut reader, form)).collect();
    reader.end()?;
    scores
}

fn read_score(reader: &mut Reader<'_>, form: &InputForm) -> Result<Score, FheError> {
    let numbers = scan(form.parameter_set)?;
    let reduced = OBJECT.malformed("a coefficient is not reduced");
    let body = if is_whole(form) {
        read_rows(reader, numbers)?
    } else {
        let each = places(form).len();
        let body: Rows = words(reader.take(8 * numbers.finish_moduli() * each)?).collect();
        let mut rows = body.chunks_exact(each.max(1)).zip(moduli(numbers));
        if rows.any(|(row, modulus)| row.iter().any(|word| word >= modulus)) {
            return Err(reduced.into());
        }
        body
    };
    Ok(Score { body, mask: read_rows(reader, numbers)? })
}

fn read_rows(reader: &mut Reader<'_>, numbers: &ScanParameters) -> Result<Rows, TrustError> {
    let mut rows = Rows::with_capacity(numbers.finish_moduli() * numbers.degree);
    for modulus in moduli(numbers) {
        if !unpack(reader.take(bits(*modulus) * numbers.degree / 8)?, *modulus, &mut rows) {
            return Err(OBJECT.malformed("a coefficient is not reduced"));
        }
    }
    Ok(rows)
}

/// Decrypts an answer: for each row its scores, each the integer closest to 0 that stands for it.
/// `rows` are those that were encrypted.
///
/// # Errors
/// When the bytes are not an answer to that form.
pub fn decrypt(
    keys: &ClientKeys,
    form: &InputForm,
    rows: Range<usize>,
    bytes: &[u8],
) -> Result<Vec<Vec<i64>>, FheError> {
    if keys.parameter_set() != form.parameter_set {
        return Err(FheError::MixedSets { expected: keys.parameter_set(), found: form.parameter_set });
    }
    if rows.len() > form.rows() {
        return Err(FheError::TooManyRows { rows: rows.len(), slots: form.rows() });
    }
    let scores = read(bytes, form, rows.len())?;
    let decrypted = pool::each(scores, |score| one(keys, form, score))?;
    // Ciphertexts of the same rows follow each other, score by score.
    let each = form.rows_of_one().max(1);
    let of_row =
        |row: usize| decrypted.chunks(form.scores.max(1) as usize).nth(row / each).unwrap_or_default();
    Ok((0..rows.len()).map(|row| of_row(row).iter().map(|score| score[row % each]).collect()).collect())
}

/// One score of all rows that share a ciphertext.
fn one(keys: &ClientKeys, form: &InputForm, score: Score) -> Result<Vec<i64>, FheError> {
    let numbers = scan(form.parameter_set)?;
    let (degree, t) = (numbers.degree, numbers.plaintext_modulus);
    let values = if is_whole(form) {
        slots(keys, form, score)?
    } else {
        open(keys, &places(form), &score.body, score.mask)?
    };
    let values = match NetworkSlots::of(form) {
        None => values,
        Some(slots) => {
            let part = |row, unit| u128::from(values[slots.slot(row, unit)]);
            let score =
                |row| ((0..slots.units).map(|unit| part(row, unit)).sum::<u128>() % u128::from(t)) as u64;
            (0..slots.rows()).map(score).collect()
        }
    };
    // The sum over the slots is N times coefficient 0.
    let times = if matches!(form.packing, Packing::Trees { .. }) { degree as u128 } else { 1 };
    let centred = |value: u64| {
        let value = (u128::from(value) * times % u128::from(t)) as u64;
        if value > numbers.max_sum() { value.cast_signed() - t.cast_signed() } else { value.cast_signed() }
    };
    Ok(values.into_iter().map(centred).collect())
}

/// All slots.
fn slots(keys: &ClientKeys, form: &InputForm, score: Score) -> Result<Vec<u64>, FheError> {
    let ciphertext = ciphertext(form.parameter_set, [score.body, score.mask])?;
    let level = scan(form.parameter_set)?.finish_level;
    guard(OBJECT, || {
        let plain = keys.secret().try_decrypt(&ciphertext).map_err(FheError::bfv("decrypting"))?;
        Vec::<u64>::try_decode(&plain, Encoding::simd_at_level(level)).map_err(FheError::bfv("decoding"))
    })
}

fn ciphertext(set: ParameterSet, polynomials: [Rows; 2]) -> Result<Ciphertext, FheError> {
    let level = scan(set)?.finish_level;
    let context = bfv(set)?.context_at_level(level).map_err(FheError::bfv("choosing the finish level"))?;
    let polynomial = |coefficients: Rows| {
        let mut polynomial = Poly::try_convert_from(coefficients, context, false, Representation::PowerBasis)
            .map_err(FheError::math("reading a score"))?;
        polynomial.change_representation(Representation::Ntt);
        Ok::<_, FheError>(polynomial)
    };
    let [c0, c1] = polynomials;
    Ciphertext::new(vec![polynomial(c0)?, polynomial(c1)?], bfv(set)?)
        .map_err(FheError::bfv("reading a score"))
}
