//! From one basis to another, times a rational factor: the exact result of rounding, by residues.
//!
//! A number x in `-M/2..M/2` with residues r_i modulo the primes m_i of M is `sum y_i M/m_i - v M`,
//! where `y_i = r_i (M/m_i)^-1 mod m_i` and v is the sum of the fractions `y_i / m_i`, rounded. So
//! `f x = sum y_i (f M/m_i) - v f M`: a table of the numbers in brackets, their whole parts modulo
//! the primes of the target and their fractions to 124 bits, gives every residue of `f x` rounded.
//! (Halevi, Polyakov, Shoup: *An improved RNS variant of the BFV homomorphic encryption scheme*, 2018.)
//! Only integers are used. The fractions are off by less than 2^-50, so whoever wants all results exact
//! keeps x away from half of M by that much; a result is never off by more than 1.

use num_bigint::BigUint;
use rayon::prelude::*;

use crate::ring::{Basis, Prime, Rows};

/// Coefficients that are brought together before they are converted, so that a row is read a cache
/// line at a time.
const BLOCK: usize = 64;
/// Bits of the fractions that decide v; a sum of 16, the most primes of a source, fits a word.
const FRACTION: u32 = 59;
/// Bits of the first part of a fraction of the table.
const HIGH: u32 = 60;
/// Where v lies beside the sum of the fractions, which is below 2^67.
const WHOLE: u32 = 100;
/// Added to what may be slightly negative.
const OFFSET: u64 = 64;

/// A rational factor.
#[derive(Clone)]
pub(crate) struct Ratio {
    pub(crate) numerator: BigUint,
    pub(crate) denominator: BigUint,
}

impl Ratio {
    /// 1 / product.
    pub(crate) fn inverse(of: &[u64]) -> Self {
        Self { numerator: BigUint::from(1u32), denominator: of.iter().product() }
    }
}

/// The tables of one conversion.
pub(crate) struct Conversion {
    from: Basis,
    to: Basis,
    /// `(M/m_i)^-1` modulo m_i, prepared.
    inverses: Vec<(u64, u64)>,
    /// `floor(2^(FRACTION + shift_i) / m_i)` with its shift.
    reciprocals: Vec<(u64, u32)>,
    /// For each target prime: the whole parts of `f M/m_i`.
    whole: Vec<Vec<u64>>,
    /// For each target prime: minus the whole part of `f M`.
    whole_modulus: Vec<u64>,
    /// For each target prime: minus OFFSET.
    offset: Vec<u64>,
    /// The fractions of `f M/m_i`.
    fractions: Vec<(u64, u64)>,
    /// The fraction of `f M`.
    fraction_modulus: (u64, u64),
}

/// What the residues of all targets are computed from.
struct Digits {
    /// The y_i, coefficient by coefficient.
    digits: Vec<u64>,
    /// The fractions summed and rounded, plus [`OFFSET`]; and v from bit [`WHOLE`] on.
    rounded: Vec<u128>,
}

impl Conversion {
    pub(crate) fn new(from: Basis, to: Basis, factor: &Ratio) -> Self {
        let modulus: BigUint = from.primes.iter().map(|prime| prime.value()).product();
        let split = |numerator: BigUint| {
            let scaled = numerator * &factor.numerator;
            let (whole, rest) = (&scaled / &factor.denominator, scaled % &factor.denominator);
            let fraction: BigUint = (rest << (HIGH + 64)) / &factor.denominator;
            let (high, low): (BigUint, BigUint) = (&fraction >> 64, fraction % (BigUint::from(1u32) << 64));
            (whole, (word(&high), word(&low)))
        };
        let parts: Vec<_> = from.primes.iter().map(|prime| split(&modulus / prime.value())).collect();
        let (whole_modulus, fraction_modulus) = split(modulus.clone());
        let modulo = |value: &BigUint, prime: &Prime| word(&(value % prime.value()));
        let inverses = from.primes.iter().map(|prime| {
            let others = modulo(&(&modulus / prime.value()), prime);
            prime.prepare(prime.inverse_of(others))
        });
        let reciprocals = from.primes.iter().map(|prime| {
            let shift = prime.value().ilog2();
            (((1u128 << (FRACTION + shift)) / u128::from(prime.value())) as u64, shift)
        });
        let row = |prime: &&'static Prime| parts.iter().map(|(whole, _)| modulo(whole, prime)).collect();
        Self {
            inverses: inverses.collect(),
            reciprocals: reciprocals.collect(),
            whole: to.primes.iter().map(row).collect(),
            whole_modulus: to.primes.iter().map(|p| p.sub(0, modulo(&whole_modulus, p))).collect(),
            offset: to.primes.iter().map(|prime| prime.value() - OFFSET).collect(),
            fractions: parts.iter().map(|(_, fraction)| *fraction).collect(),
            fraction_modulus,
            from,
            to,
        }
    }

    /// From and to the transformed domain. The source may have more rows.
    pub(crate) fn transformed(&self, rows: &[u64]) -> Rows {
        self.convert(&self.from.coefficients(rows), Prime::forward)
    }

    /// From the transformed domain to coefficients. The source may have more rows.
    pub(crate) fn to_coefficients(&self, rows: &[u64]) -> Rows {
        self.convert(&self.from.coefficients(rows), |_, _| {})
    }

    /// From coefficients, each row of the result passing through `then`.
    pub(crate) fn convert(&self, coefficients: &[u64], then: impl Fn(&Prime, &mut [u64]) + Sync) -> Rows {
        let digits = self.digits(coefficients, self.from.degree);
        let mut rows = self.to.zero();
        self.to.each(&mut rows, |prime, index, row| {
            self.residues(&digits, index, row);
            then(prime, row);
        });
        rows
    }

    /// Of one coefficient.
    pub(crate) fn one(&self, residues: &[u64]) -> Vec<u64> {
        let digits = self.digits(residues, 1);
        let mut out = vec![0; self.to.len()];
        out.chunks_exact_mut(1).enumerate().for_each(|(index, row)| self.residues(&digits, index, row));
        out
    }

    fn digits(&self, coefficients: &[u64], degree: usize) -> Digits {
        let count = self.from.len();
        let mut digits = vec![0; count * degree];
        let mut rounded = vec![0; degree];
        let blocks = digits.par_chunks_mut(count * BLOCK).zip(rounded.par_chunks_mut(BLOCK));
        blocks.enumerate().for_each(|(block, (digits, rounded))| {
            for (i, prime) in self.from.primes.iter().enumerate() {
                let row = &coefficients[i * degree + block * BLOCK..][..rounded.len()];
                let inverse = self.inverses[i];
                for (digits, residue) in digits.chunks_exact_mut(count).zip(row) {
                    digits[i] = prime.mul_by(*residue, inverse);
                }
            }
            for (digits, rounded) in digits.chunks_exact(count).zip(rounded) {
                *rounded = self.round(digits);
            }
        });
        Digits { digits, rounded }
    }

    #[inline(always)]
    fn round(&self, digits: &[u64]) -> u128 {
        let mut whole = 1u64 << (FRACTION - 1);
        let mut fraction = (u128::from(OFFSET) << HIGH) + (1 << (HIGH - 1));
        for ((digit, (reciprocal, shift)), part) in digits.iter().zip(&self.reciprocals).zip(&self.fractions)
        {
            whole += ((u128::from(*digit) * u128::from(*reciprocal)) >> shift) as u64;
            fraction += times(*digit, *part);
        }
        let whole = whole >> FRACTION;
        ((fraction - times(whole, self.fraction_modulus)) >> HIGH) | (u128::from(whole) << WHOLE)
    }

    /// The residues modulo one prime of the target.
    fn residues(&self, digits: &Digits, index: usize, row: &mut [u64]) {
        let (prime, table) = (self.to.primes[index], &self.whole[index][..]);
        let (modulus, offset) = (self.whole_modulus[index], self.offset[index]);
        let count = table.len();
        for ((residue, digits), rounded) in
            row.iter_mut().zip(digits.digits.chunks_exact(count)).zip(&digits.rounded)
        {
            let (whole, fraction) = (rounded >> WHOLE, rounded & ((1 << WHOLE) - 1));
            // At most 8 products of 62 and 61 bits with 7 of 61 and 61, or 7 of 61 and 62: below 2^127.
            let mut sum = fraction + u128::from(offset) + whole * u128::from(modulus);
            for (digit, part) in digits.iter().zip(table) {
                sum += u128::from(*digit) * u128::from(*part);
            }
            *residue = prime.reduce(sum);
        }
    }
}

/// A number times a fraction, in units of `2^-HIGH`, rounded down.
#[inline(always)]
fn times(number: u64, (high, low): (u64, u64)) -> u128 {
    u128::from(number) * u128::from(high) + ((u128::from(number) * u128::from(low)) >> 64)
}

/// The lowest word.
fn word(value: &BigUint) -> u64 {
    value.iter_u64_digits().next().unwrap_or(0)
}
