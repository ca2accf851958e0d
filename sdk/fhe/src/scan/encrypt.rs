//! Encrypts the rows of a chunk, slice by slice.

use fhe::bfv::{Encoding, Plaintext};
use fhe_traits::{FheEncoder, FheEncrypter, Serialize};
use rand::{CryptoRng, RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use sordino_protocol::{
    coded::CodedTable,
    layout::{ScanLayout, Slice},
    schema::{ColumnId, Schema},
};
use zeroize::Zeroizing;

use crate::{
    error::FheError,
    keys::SecretKeys,
    parameters::{bfv, scan},
    scan::chunk,
};

/// Encrypts up to a chunk's worth of rows as one Parquet object: one row, and one binary column for
/// every slice of the layout, in its order. Slots beyond the rows are zero in every slice.
///
/// `rng` must be cryptographically secure and seeded by the operating system; the noise of each slice
/// comes from a generator seeded by it. (The library draws the public seeds of the masks from the
/// operating system by itself.)
///
/// # Errors
/// When there are more rows than slots, or a value does not fit the layout.
pub fn encrypt_chunk<R: RngCore + CryptoRng>(
    keys: &SecretKeys,
    schema: &Schema,
    layout: &ScanLayout,
    rows: &CodedTable,
    rng: &mut R,
) -> Result<Vec<u8>, FheError> {
    let set = layout.parameter_set;
    let (numbers, parameters, key) = (scan(set)?, bfv(set)?, keys.scan(set)?);
    if rows.rows > numbers.degree {
        return Err(FheError::TooManyRows { rows: rows.rows, slots: numbers.degree });
    }
    let widest = layout.limb_bits.max(layout.factor_bits);
    if !(1..=numbers.max_sum().ilog2()).contains(&u32::from(widest)) {
        return Err(FheError::LimbBits { limb_bits: layout.limb_bits, set });
    }
    check(schema, layout, rows)?;
    let slices: Vec<(Slice, Zeroizing<[u8; 32]>)> = layout
        .slices()
        .into_iter()
        .map(|slice| {
            let mut seed = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut seed[..]);
            (slice, seed)
        })
        .collect();
    let encrypted: Vec<Vec<u8>> = slices
        .par_iter()
        .map(|(slice, seed)| {
            let mut slots = Zeroizing::new(vec![0u64; numbers.degree]);
            fill(&mut slots, schema, layout, rows, *slice);
            let plain = Plaintext::try_encode(slots.as_slice(), Encoding::simd(), parameters)
                .map_err(FheError::bfv("encoding a slice"))?;
            let mut noise = ChaCha20Rng::from_seed(**seed);
            let sealed: fhe::bfv::Ciphertext =
                key.try_encrypt(&plain, &mut noise).map_err(FheError::bfv("encrypting a slice"))?;
            Ok(sealed.to_bytes())
        })
        .collect::<Result<_, FheError>>()?;
    let names = slices.iter().map(|(slice, _)| slice.name());
    Ok(chunk::write(set, names.zip(encrypted).collect())?)
}

/// Checks that every value has room in the layout.
fn check(schema: &Schema, layout: &ScanLayout, rows: &CodedTable) -> Result<(), FheError> {
    let outside = |column: ColumnId| FheError::ValueOutsideLayout { column: column.0 };
    for digits in &layout.digits {
        let reach = digits.reach();
        let column = rows.codes(digits.column);
        if column.len() != rows.rows || column.iter().any(|code| digits.number(*code) >= reach) {
            return Err(outside(digits.column));
        }
    }
    for measure in &layout.measures {
        let mut bits = u32::from(measure.limbs) * u32::from(layout.limb_bits);
        if measure.factors > 0 {
            bits = bits.min(u32::from(measure.factors) * u32::from(layout.factor_bits));
        }
        let min = offset(schema, measure.column);
        let fits = |value: &i64| *value >= min && value.abs_diff(min).checked_shr(bits).unwrap_or(0) == 0;
        let column = rows.values(measure.column);
        if column.len() != rows.rows || !column.iter().flatten().all(fits) {
            return Err(outside(measure.column));
        }
    }
    Ok(())
}

fn offset(schema: &Schema, column: ColumnId) -> i64 {
    schema.column(column).measure.as_ref().map_or(0, |measure| measure.min)
}

/// The plaintext of a slice.
fn fill(slots: &mut [u64], schema: &Schema, layout: &ScanLayout, rows: &CodedTable, slice: Slice) {
    let slots = &mut slots[..rows.rows];
    match slice {
        Slice::Exists => slots.fill(1),
        Slice::AtLeast { column, digit, value } => {
            let Some(digits) = layout.digits_of(column) else { return };
            let digit = usize::from(digit);
            // A mixed-radix number: drop the digits after, then the digits before.
            let after: u32 = digits.bases.iter().skip(digit + 1).product();
            let base = digits.bases.get(digit).copied().unwrap_or(1);
            for (slot, code) in slots.iter_mut().zip(rows.codes(column)) {
                *slot = u64::from(digits.number(*code) / after % base >= value);
            }
        }
        Slice::Present(column) => match schema.column(column).null_code() {
            Some(null) => {
                let codes = rows.codes(column).iter();
                slots.iter_mut().zip(codes).for_each(|(slot, code)| *slot = u64::from(*code != null));
            }
            None => {
                let values = rows.values(column).iter();
                slots.iter_mut().zip(values).for_each(|(slot, value)| *slot = u64::from(value.is_some()));
            }
        },
        Slice::Value { column, limb } => fill_limb(slots, schema, rows, column, (limb, layout.limb_bits)),
        Slice::Factor { column, limb } => fill_limb(slots, schema, rows, column, (limb, layout.factor_bits)),
    }
}

fn fill_limb(
    slots: &mut [u64],
    schema: &Schema,
    rows: &CodedTable,
    column: ColumnId,
    (limb, bits): (u8, u8),
) {
    let (min, shift) = (offset(schema, column), u32::from(limb) * u32::from(bits));
    let mask = (1u64 << bits) - 1;
    for (slot, value) in slots.iter_mut().zip(rows.values(column)) {
        let encoded = value.map_or(0, |value| value.abs_diff(min));
        *slot = encoded.checked_shr(shift).unwrap_or(0) & mask;
    }
}
