//! The bytes of BFV ciphertexts and keys. The library writes Protocol Buffers; here that framing is
//! demanded to the byte, and the polynomials are unpacked without it.

use fhe_math::rq::{Poly, Representation};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sordino_protocol::parameters::{ParameterSet, ScanParameters};

use crate::{
    error::FheError,
    parameters::{bfv, scan},
    ring::{Basis, Rows},
    scan::{ciphertext::Ciphertext, relinearise::RelinearisationKey, tables::full},
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

/// Takes a polynomial with its tag and length: its coefficients, all reduced.
fn polynomial(
    reader: &mut Reader<'_>,
    object: Object,
    basis: &Basis,
    representation: u8,
) -> Result<Rows, TrustError> {
    let moduli: Vec<u64> = basis.primes.iter().map(|prime| prime.value()).collect();
    let (before, packed, after) = polynomial_frame(basis.degree, &moduli, representation);
    reader.expect(&tagged(0x0a, before.len() + packed + after.len()))?;
    reader.expect(&before)?;
    let mut bytes = reader.take(packed)?;
    let mut rows = Rows::with_capacity(basis.len() * basis.degree);
    for modulus in moduli {
        let (row, rest) = bytes.split_at(bits(modulus) * basis.degree / 8);
        if !unpack(row, modulus, &mut rows) {
            return Err(object.malformed("a coefficient is not reduced"));
        }
        bytes = rest;
    }
    reader.expect(&after)?;
    Ok(rows)
}

/// The bytes of a slice: coefficients of the first polynomial, and what the second is expanded from.
pub(crate) fn write_slice(coefficients: &[u64], seed: &[u8; SEED], basis: &Basis) -> Vec<u8> {
    let moduli: Vec<u64> = basis.primes.iter().map(|prime| prime.value()).collect();
    let (before, packed, after) = polynomial_frame(basis.degree, &moduli, NTT);
    let length = before.len() + packed + after.len();
    let mut bytes = Vec::with_capacity(length + 2 * SEED);
    bytes.extend(tagged(0x0a, length));
    bytes.extend(before);
    let rows = coefficients.chunks_exact(basis.degree).zip(moduli);
    rows.for_each(|(row, modulus)| pack(row, modulus, &mut bytes));
    bytes.extend(after);
    bytes.extend([0x12, SEED as u8]);
    bytes.extend(seed);
    bytes
}

/// Packs reduced coefficients, a multiple of eight of them, as many bits each as the modulus has.
pub(crate) fn pack(row: &[u64], modulus: u64, out: &mut Vec<u8>) {
    let bits = bits(modulus);
    let (mut window, mut filled) = (0u128, 0);
    out.reserve(bits * row.len() / 8);
    for coefficient in row {
        window |= u128::from(*coefficient) << filled;
        filled += bits;
        if filled >= 64 {
            out.extend((window as u64).to_le_bytes());
            window >>= 64;
            filled -= 64;
        }
    }
    out.extend(&(window as u64).to_le_bytes()[..filled / 8]);
}

/// Appends packed coefficients; whether all are below the modulus.
pub(crate) fn unpack(bytes: &[u8], modulus: u64, rows: &mut Rows) -> bool {
    let bits = bits(modulus);
    let mask = u64::MAX >> (64 - bits);
    let mut largest = 0;
    // Eight coefficients of b bits take b bytes.
    for group in bytes.chunks_exact(bits) {
        // Room for 16 bytes from the first byte of the last coefficient.
        let mut padded = [0u8; 64 + 16];
        padded[..bits].copy_from_slice(group);
        rows.extend((0..8).map(|index| {
            let (byte, shift) = (index * bits / 8, index * bits % 8);
            let mut window = [0; 16];
            window.copy_from_slice(&padded[byte..byte + 16]);
            let coefficient = (u128::from_le_bytes(window) >> shift) as u64 & mask;
            largest = coefficient.max(largest);
            coefficient
        }));
    }
    largest < modulus
}

/// The polynomial that the library expands from a seed, in the domain of the transform.
pub(crate) fn uniform(seed: [u8; SEED], set: ParameterSet) -> Result<Rows, FheError> {
    let context = bfv(set)?.context_at_level(0).map_err(FheError::bfv("choosing the first level"))?;
    let polynomial = Poly::random_from_seed(context, Representation::Ntt, seed);
    Ok(polynomial.coefficients().iter().copied().collect())
}

fn seed(reader: &mut Reader<'_>, tag: u8) -> Result<[u8; SEED], TrustError> {
    reader.expect(&[tag, SEED as u8])?;
    let mut seed = [0; SEED];
    seed.copy_from_slice(reader.take(SEED)?);
    Ok(seed)
}

/// Bytes of a slice.
pub(crate) fn slice_len(numbers: &ScanParameters) -> usize {
    let polynomial = polynomial_len(numbers.degree, numbers.moduli, NTT);
    tagged(0x0a, polynomial).len() + polynomial + 2 + SEED
}

/// Reads a slice: a fresh ciphertext, one polynomial and a seed, at level 0.
pub(crate) fn read_slice(bytes: &[u8], set: ParameterSet) -> Result<Ciphertext, FheError> {
    let basis = full(set)?;
    let mut reader = Reader::new(Object::Slice, bytes);
    let mut rows = polynomial(&mut reader, Object::Slice, &basis, NTT)?;
    let seed = seed(&mut reader, 0x12)?;
    reader.end()?;
    let transform = || basis.each(&mut rows, |prime, _, row| prime.forward(row));
    let ((), mask) = rayon::join(transform, || guard(Object::Slice, || uniform(seed, set)));
    Ok(Ciphertext::Early([rows, mask?]))
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

/// Reads a relinearisation key of level 0.
pub(crate) fn read_relinearisation(bytes: &[u8], set: ParameterSet) -> Result<RelinearisationKey, FheError> {
    let (numbers, basis) = (scan(set)?, full(set)?);
    let mut reader = Reader::new(Object::EvaluationKeys, bytes);
    reader.expect(&tagged(0x0a, key_len(numbers)))?;
    let read = |_: &u64| polynomial(&mut reader, Object::EvaluationKeys, &basis, NTT_SHOUP);
    let first: Vec<Rows> = numbers.moduli.iter().map(read).collect::<Result<_, TrustError>>()?;
    let seed = seed(&mut reader, 0x1a)?;
    reader.end()?;
    // As the library does it: each polynomial has a seed drawn from a generator seeded by the one sent.
    let mut seeds = ChaCha8Rng::from_seed(seed);
    let encryptions = first.into_iter().map(|mut rows| {
        let mut seed = [0; SEED];
        seeds.fill_bytes(&mut seed);
        basis.each(&mut rows, |prime, _, row| prime.forward(row));
        Ok([rows, guard(Object::EvaluationKeys, || uniform(seed, set))?])
    });
    Ok(RelinearisationKey { encryptions: encryptions.collect::<Result<_, FheError>>()? })
}
