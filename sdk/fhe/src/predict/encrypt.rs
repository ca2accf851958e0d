//! Encrypts the inputs of a prediction.

use std::ops::Range;

use bytes::Bytes;
use rand::{CryptoRng, RngCore};
use sordino_protocol::{
    coded::CodedTable,
    layout::Slice,
    predict::{Input, InputError, InputForm, NetworkSlots, Packing},
};
use zeroize::Zeroizing;

use crate::{
    error::{FheError, SourceError},
    parameters::scan,
    pool,
    predict::{ClientKeys, plain::slots, seal::seal},
    scan::{SliceSource, wire},
    trust::{HEADER, Object, Reader, header, limit},
};

const OBJECT: Object = Object::PredictionInputs;

/// Encrypts rows of a table, coded under the model's public schema. Bytes: header, number of
/// ciphertexts (4), the ciphertexts, each half of its size because its mask is a seed.
///
/// `rng` must be cryptographically secure and seeded by the operating system.
///
/// # Errors
/// When there are more rows than the form takes at once, or a column is missing.
pub fn encrypt<R: RngCore + CryptoRng>(
    keys: &ClientKeys,
    form: &InputForm,
    table: &CodedTable,
    rows: Range<usize>,
    rng: &mut R,
) -> Result<Vec<u8>, FheError> {
    let set = form.parameter_set;
    if keys.parameter_set() != set {
        return Err(FheError::MixedSets { expected: keys.parameter_set(), found: set });
    }
    if rows.len() > form.rows() {
        return Err(FheError::TooManyRows { rows: rows.len(), slots: form.rows() });
    }
    let trees = matches!(&form.packing, Packing::Trees { trees } if trees.len() > scan(set)?.degree);
    if rows.is_empty() || trees {
        return Err(FheError::Prediction("there is no row, or the form has more trees than slots"));
    }
    let seeds: Vec<(usize, Zeroizing<[u8; 32]>)> = (0..form.ciphertexts(rows.len()))
        .map(|index| {
            let mut seed = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut seed[..]);
            (index, seed)
        })
        .collect();
    let sealed =
        pool::each(seeds, |(index, seed)| seal(keys, &plaintext(form, table, rows.clone(), index)?, &seed))?;
    let mut bytes = Vec::with_capacity(inputs_size(form, rows.len())? as usize);
    bytes.extend(header(OBJECT, set));
    bytes.extend((sealed.len() as u32).to_le_bytes());
    sealed.iter().for_each(|one| bytes.extend_from_slice(one));
    Ok(bytes)
}

/// The coefficients modulo t of ciphertext `index`.
fn plaintext(
    form: &InputForm,
    table: &CodedTable,
    rows: Range<usize>,
    index: usize,
) -> Result<Zeroizing<Vec<u64>>, FheError> {
    let set = form.parameter_set;
    let modulus = i128::from(scan(set)?.plaintext_modulus);
    let reduced = |input: &Input, row: usize| Ok(input.of(table, row)?.rem_euclid(modulus) as u64);
    let in_slots =
        |values: Result<Vec<u64>, InputError>| Ok(Zeroizing::new(slots(&Zeroizing::new(values?), set)?));
    match &form.packing {
        Packing::Batch { inputs } => in_slots(rows.map(|row| reduced(&inputs[index], row)).collect()),
        Packing::Rows { inputs } => {
            let each = form.rows_of_one();
            let rows = rows.skip(index * each).take(each);
            let values = rows.flat_map(|row| inputs.iter().map(move |input| reduced(input, row)));
            Ok(Zeroizing::new(values.collect::<Result<_, InputError>>()?))
        }
        Packing::Trees { trees } => {
            let node = |tree: &Vec<Option<Input>>| match tree.get(index) {
                Some(Some(input)) => reduced(input, rows.start),
                _ => Ok(0),
            };
            in_slots(trees.iter().map(node).collect())
        }
        Packing::Network { inputs, .. } => {
            let places = NetworkSlots::of(form).ok_or(FheError::Prediction("a network has no such slots"))?;
            in_slots(network(places, inputs, rows, index, reduced))
        }
    }
}

/// A group of inputs of each row.
fn network(
    slots: NetworkSlots,
    inputs: &[Input],
    rows: Range<usize>,
    ciphertext: usize,
    reduced: impl Fn(&Input, usize) -> Result<u64, InputError>,
) -> Result<Vec<u64>, InputError> {
    let mut values = vec![0; slots.rows() * slots.groups];
    for (group, input) in inputs.iter().skip(ciphertext * slots.groups).take(slots.groups).enumerate() {
        for (place, row) in rows.clone().enumerate() {
            values[slots.slot(place, group)] = reduced(input, row)?;
        }
    }
    Ok(values)
}

/// Bytes of the inputs of a request of so many rows; they have no other size.
///
/// # Errors
/// When the form's set has no slots.
pub fn inputs_size(form: &InputForm, rows: usize) -> Result<u64, FheError> {
    let each = wire::slice_len(scan(form.parameter_set)?);
    Ok((HEADER + 4 + form.ciphertexts(rows) * each) as u64)
}

/// The ciphertexts of a request, not yet read.
pub(super) struct Inputs(Vec<Bytes>);

impl Inputs {
    /// Cuts the bytes of a request; anything of another size is refused.
    pub(super) fn read(bytes: &[u8], form: &InputForm) -> Result<Self, FheError> {
        let each = wire::slice_len(scan(form.parameter_set)?);
        let (least, most) = (form.ciphertexts(1), form.ciphertexts(form.rows()));
        limit(OBJECT, bytes.len() as u64, inputs_size(form, form.rows())?)?;
        let mut reader = Reader::new(OBJECT, bytes);
        reader.header(form.parameter_set)?;
        let count = reader.u32()? as usize;
        if !(least..=most).contains(&count) {
            return Err(OBJECT
                .malformed("it has another number of ciphertexts than the form asks for")
                .into());
        }
        let body = Bytes::copy_from_slice(reader.take(count * each)?);
        reader.end()?;
        Ok(Self((0..count).map(|index| body.slice(index * each..(index + 1) * each)).collect()))
    }

    /// The bytes of all ciphertexts in order.
    pub(super) fn all(&self) -> &[Bytes] {
        &self.0
    }
}

impl SliceSource for Inputs {
    /// Input `i` is the value slice of column `i`.
    fn slices(&self, wanted: &[Slice]) -> Result<Vec<Bytes>, SourceError> {
        let one = |slice: &Slice| {
            let missing = || SourceError::Missing { what: slice.name() };
            match slice {
                Slice::Value { column, limb: 0 } => self.0.get(column.index()).cloned().ok_or_else(missing),
                _ => Err(missing()),
            }
        };
        wanted.iter().map(one).collect()
    }
}
