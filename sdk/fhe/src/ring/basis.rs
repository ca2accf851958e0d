//! Polynomials modulo several primes.

use std::ops::Range;

use rayon::prelude::*;

use crate::ring::Prime;

/// The residues of a polynomial, row after row.
pub(crate) type Rows = Vec<u64>;

/// Some primes, in order, and the number of coefficients of a polynomial.
#[derive(Clone)]
pub(crate) struct Basis {
    pub(crate) degree: usize,
    pub(crate) primes: Vec<&'static Prime>,
}

impl Basis {
    pub(crate) const fn len(&self) -> usize {
        self.primes.len()
    }

    /// Some of the primes.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        Self { degree: self.degree, primes: self.primes[range].to_vec() }
    }

    /// Calls for each row with its prime, in parallel.
    pub(crate) fn each(&self, rows: &mut [u64], run: impl Fn(&Prime, usize, &mut [u64]) + Sync) {
        rows.par_chunks_exact_mut(self.degree)
            .zip(&self.primes)
            .enumerate()
            .for_each(|(index, (row, prime))| run(prime, index, row));
    }

    /// Calls for each prime with what is of it, in parallel.
    pub(crate) fn each_with<T: Send>(&self, of: &mut [T], run: impl Fn(&Prime, usize, &mut T) + Sync) {
        of.par_iter_mut()
            .zip(&self.primes)
            .enumerate()
            .for_each(|(index, (of, prime))| run(prime, index, of));
    }

    /// Row `index` of a polynomial.
    pub(crate) fn row<'b>(&self, rows: &'b [u64], index: usize) -> &'b [u64] {
        &rows[index * self.degree..(index + 1) * self.degree]
    }

    pub(crate) fn zero(&self) -> Rows {
        vec![0; self.len() * self.degree]
    }

    /// The coefficients of a polynomial in the transformed domain; it may have more rows.
    pub(crate) fn coefficients(&self, rows: &[u64]) -> Rows {
        let mut coefficients = rows[..self.len() * self.degree].to_vec();
        self.each(&mut coefficients, |prime, _, row| prime.inverse(row));
        coefficients
    }

    /// Coefficient 0 of a polynomial in the transformed domain, which is the mean of its values: powers
    /// of all roots of X^N + 1 sum to 0, but for the power 0.
    pub(crate) fn constant(&self, rows: &[u64]) -> Vec<u64> {
        let mean = |(row, prime): (&[u64], &&'static Prime)| {
            let sum = row.iter().map(|value| u128::from(*value)).sum();
            // 1 / N is (p + 1) / 2 as often as N is halved.
            let half = prime.value().div_ceil(2);
            (0..self.degree.ilog2()).fold(prime.reduce(sum), |mean, _| prime.mul(mean, half))
        };
        rows.par_chunks_exact(self.degree).zip(&self.primes).map(mean).collect()
    }

    pub(crate) fn add(&self, sum: &mut [u64], other: &[u64]) {
        self.each(sum, |prime, index, row| {
            row.iter_mut().zip(self.row(other, index)).for_each(|(a, b)| *a = prime.add(*a, *b));
        });
    }

    pub(crate) fn sub(&self, difference: &mut [u64], other: &[u64]) {
        self.each(difference, |prime, index, row| {
            row.iter_mut().zip(self.row(other, index)).for_each(|(a, b)| *a = prime.sub(*a, *b));
        });
    }

    /// Adds a multiple.
    pub(crate) fn add_multiple(&self, sum: &mut [u64], other: &[u64], coefficient: i64) {
        match coefficient {
            1 => return self.add(sum, other),
            -1 => return self.sub(sum, other),
            _ => {}
        }
        self.each(sum, |prime, index, row| {
            let factor = prime.prepare(prime.signed(coefficient));
            let add = |(a, b): (&mut u64, &u64)| *a = prime.add(*a, prime.mul_by(*b, factor));
            row.iter_mut().zip(self.row(other, index)).for_each(add);
        });
    }
}
