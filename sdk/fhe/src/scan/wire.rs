//! The bytes of BFV ciphertexts and keys. The library writes Protocol Buffers; here the same framing
//! is demanded to the byte before the library reads it, so that nothing it does not expect gets in.

use fhe::bfv::Ciphertext;
use fhe_traits::DeserializeParametrized;
use sordino_protocol::parameters::{ParameterSet, ScanParameters};

use crate::{
    error::FheError,
    parameters::{bfv, scan},
    trust::{Object, Reader, TrustError, guard},
};

/// Bytes of the seed of a uniform polynomial.
const SEED: usize = 32;
/// The library's number for the representation `Ntt`.
pub(crate) const NTT: u8 = 2;
/// The library's number for the representation `NttShoup`.
pub(crate) const NTT_SHOUP: u8 = 3;

/// The Protocol Buffers form of an unsigned integer.
pub(crate) fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4);
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

pub(crate) fn tagged(tag: u8, value: usize) -> Vec<u8> {
    [vec![tag], varint(value)].concat()
}

/// Bits of a packed coefficient.
pub(crate) const fn bits(modulus: u64) -> usize {
    (u64::BITS - (modulus - 1).leading_zeros()) as usize
}

/// The framing of a polynomial: what precedes and what follows its packed coefficients.
pub(crate) fn polynomial_frame(
    degree: usize,
    moduli: &[u64],
    representation: u8,
) -> (Vec<u8>, usize, [u8; 2]) {
    let packed: usize = moduli.iter().map(|q| bits(*q) * degree / 8).sum();
    let before = [tagged(0x08, usize::from(representation)), tagged(0x10, degree), tagged(0x1a, packed)];
    // Fields 1 to 3, then field 4: variable-time computation is allowed, as all here is public.
    (before.concat(), packed, [0x20, 0x01])
}

fn polynomial_len(degree: usize, moduli: &[u64], representation: u8) -> usize {
    let (before, packed, after) = polynomial_frame(degree, moduli, representation);
    before.len() + packed + after.len()
}

/// Takes a polynomial with its tag and length, all coefficients reduced.
fn polynomial(
    reader: &mut Reader<'_>,
    object: Object,
    degree: usize,
    moduli: &[u64],
    representation: u8,
) -> Result<(), TrustError> {
    let (before, packed, after) = polynomial_frame(degree, moduli, representation);
    reader.expect(&tagged(0x0a, before.len() + packed + after.len()))?;
    reader.expect(&before)?;
    let mut rows = reader.take(packed)?;
    for modulus in moduli {
        let (row, rest) = rows.split_at(bits(*modulus) * degree / 8);
        if !reduced(row, *modulus) {
            return Err(object.malformed("a coefficient is not reduced"));
        }
        rows = rest;
    }
    reader.expect(&after)
}

/// Whether all packed coefficients are below the modulus.
fn reduced(row: &[u8], modulus: u64) -> bool {
    let bits = bits(modulus);
    let mask = u64::MAX >> (64 - bits);
    // Eight coefficients of b bits take b bytes.
    row.chunks_exact(bits).all(|group| {
        let (mut window, mut held, mut bytes) = (0u128, 0, group.iter());
        (0..8).all(|_| {
            while held < bits {
                window |= u128::from(bytes.next().copied().unwrap_or(0)) << held;
                held += 8;
            }
            let coefficient = window as u64 & mask;
            window >>= bits;
            held -= bits;
            coefficient < modulus
        })
    })
}

/// Bytes of a slice.
pub(crate) fn slice_len(numbers: &ScanParameters) -> usize {
    let polynomial = polynomial_len(numbers.degree, numbers.moduli, NTT);
    tagged(0x0a, polynomial).len() + polynomial + 2 + SEED
}

/// Reads a slice: a fresh ciphertext, one polynomial and a seed, at level 0.
pub(crate) fn read_slice(bytes: &[u8], set: ParameterSet) -> Result<Ciphertext, FheError> {
    let numbers = scan(set)?;
    let mut reader = Reader::new(Object::Slice, bytes);
    polynomial(&mut reader, Object::Slice, numbers.degree, numbers.moduli, NTT)?;
    reader.expect(&[0x12, SEED as u8])?;
    reader.take(SEED)?;
    reader.end()?;
    let parameters = bfv(set)?;
    guard(Object::Slice, || {
        Ciphertext::from_bytes(bytes, parameters).map_err(FheError::bfv("reading a slice"))
    })
}

/// Bytes of a relinearisation key: a key-switching key of one seeded ciphertext a modulus.
pub(crate) fn relinearisation_len(numbers: &ScanParameters) -> usize {
    let key = key_len(numbers);
    tagged(0x0a, key).len() + key
}

fn key_len(numbers: &ScanParameters) -> usize {
    let polynomial = polynomial_len(numbers.degree, numbers.moduli, NTT_SHOUP);
    numbers.moduli.len() * (tagged(0x0a, polynomial).len() + polynomial) + 2 + SEED
}

/// Checks a relinearisation key of level 0.
pub(crate) fn check_relinearisation(bytes: &[u8], numbers: &ScanParameters) -> Result<(), TrustError> {
    let mut reader = Reader::new(Object::EvaluationKeys, bytes);
    reader.expect(&tagged(0x0a, key_len(numbers)))?;
    for _ in numbers.moduli {
        polynomial(&mut reader, Object::EvaluationKeys, numbers.degree, numbers.moduli, NTT_SHOUP)?;
    }
    reader.expect(&[0x1a, SEED as u8])?;
    reader.take(SEED)?;
    reader.end()
}
