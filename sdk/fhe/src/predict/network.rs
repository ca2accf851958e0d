//! Predictions by networks of one hidden layer: all units of many rows at once, in slots. See
//! [`sordino_protocol::predict::NetworkSlots`] for where they are.
//!
//! Why one polynomial for all slots and no look-up tables of single ciphertexts: the exact tables of TFHE's
//! shortint hold 4 bits and take a client key of 60 MB to bootstrap, 20 ms a look-up, unit by unit and row by
//! row; tables of 8 bits would take gigabytes. A polynomial of degree 255 takes 33 products for up to 16,384
//! units, and its keys have 31 MB.

mod parts;
mod polynomial;

use rayon::prelude::*;
use sordino_protocol::{
    parameters::ParameterSet,
    predict::{Network, NetworkSlots, Unit},
};

use self::polynomial::Powers;
use crate::{
    error::FheError,
    parameters::scan,
    predict::{
        keys::Registered,
        plain::{factor, scaled, slots},
        rotation::rotated,
    },
    progress::Progress,
    ring::{Basis, Rows},
    scan::{ciphertext::Ciphertext, tables::Tables},
};

/// All that an evaluation needs.
pub(super) struct Run<'a> {
    pub(super) set: ParameterSet,
    pub(super) tables: &'a Tables,
    pub(super) keys: &'a Registered,
    pub(super) slots: NetworkSlots,
    pub(super) progress: &'a dyn Progress,
}

/// Vectors that are encoded at a time, so that not all are held at once.
const AT_ONCE: usize = 64;

impl Run<'_> {
    /// One ciphertext a score: in the slot of each unit what it adds.
    pub(super) fn scores(
        &self,
        network: &Network,
        inputs: &[Ciphertext],
    ) -> Result<Vec<Ciphertext>, FheError> {
        let levels = self.levels(network, inputs)?;
        let powers = Powers::new(self, network.schedule(), levels)?;
        let score = |score| powers.evaluate(&network.polynomials(self.set, score));
        network.scores.iter().map(score).collect()
    }

    /// The level of each unit, in all groups that have its number modulo the period.
    fn levels(&self, network: &Network, inputs: &[Ciphertext]) -> Result<Ciphertext, FheError> {
        let basis = &self.tables.full;
        let rows = self.slots.half_rows();
        let mut sum = [basis.zero(), basis.zero()];
        for shift in (0..self.slots.period()).rev() {
            self.go_on()?;
            if shift + 1 < self.slots.period() {
                sum = rotated(&self.keys.rotations, rows, &sum, basis)?;
            }
            for (first, some) in (0..).step_by(AT_ONCE).zip(inputs.chunks(AT_ONCE)) {
                let vector = |index: usize| self.vector(&self.weights(&network.units, index, shift)?, basis);
                let factors: Vec<Rows> =
                    (first..first + some.len()).into_par_iter().map(vector).collect::<Result<_, _>>()?;
                let [c0, c1] = &mut sum;
                for (place, total) in [c0, c1].into_iter().enumerate() {
                    basis.each(total, |prime, index, row| {
                        for (input, factor) in some.iter().zip(&factors) {
                            let polynomial = &input.polynomials()[place];
                            prime.accumulate(row, basis.row(polynomial, index), basis.row(factor, index));
                        }
                    });
                }
            }
        }
        for apart in self.slots.folds() {
            let part = sum.clone();
            for _ in 0..3 {
                self.go_on()?;
                sum = rotated(&self.keys.rotations, apart, &sum, basis)?;
                sum.iter_mut().zip(&part).for_each(|(sum, part)| basis.add(sum, part));
            }
        }
        let modulus = i128::from(scan(self.set)?.plaintext_modulus);
        let least = |unit: usize| reduced(network.units.get(unit).map_or(0, |u| u.sum.constant), modulus);
        self.plus(Ciphertext::Early(sum), &self.slots.by_unit(least))
    }

    /// What the inputs of a ciphertext are multiplied with before they are rotated by so many groups: in
    /// group g it is added to the unit `g - shift`, modulo the period.
    fn weights(&self, units: &[Unit], ciphertext: usize, shift: usize) -> Result<Vec<u64>, FheError> {
        let numbers = scan(self.set)?;
        let mut values = vec![0; numbers.degree];
        for group in 0..self.slots.groups {
            let unit = (group + self.slots.groups - shift) % self.slots.period();
            let input = ciphertext * self.slots.groups + group;
            let weight = units.get(unit).and_then(|unit| unit.sum.weights.get(input));
            let weight = reduced(weight.copied().unwrap_or(0), i128::from(numbers.plaintext_modulus));
            if weight != 0 {
                self.slots.fill(&mut values, group, weight);
            }
        }
        Ok(values)
    }

    /// A vector of slots as a factor.
    fn vector(&self, values: &[u64], basis: &Basis) -> Result<Rows, FheError> {
        Ok(factor(&slots(values, self.set)?, scan(self.set)?.plaintext_modulus, basis))
    }

    /// Adds a vector of slots.
    pub(super) fn plus(&self, mut ciphertext: Ciphertext, values: &[u64]) -> Result<Ciphertext, FheError> {
        let basis = ciphertext.basis(self.tables).clone();
        let (Ciphertext::Early([body, _]) | Ciphertext::Late([body, _])) = &mut ciphertext else {
            return Err(NOT_ONE);
        };
        let mut rows = scaled(&slots(values, self.set)?, scan(self.set)?.plaintext_modulus, &basis);
        basis.each(&mut rows, |prime, _, row| prime.forward(row));
        basis.add(body, &rows);
        Ok(ciphertext)
    }

    fn go_on(&self) -> Result<(), FheError> {
        if self.progress.cancelled() { Err(FheError::Cancelled) } else { Ok(()) }
    }
}

/// Modulo t.
const fn reduced(value: i64, modulus: i128) -> u64 {
    (value as i128).rem_euclid(modulus) as u64
}

const NOT_ONE: FheError = FheError::Prediction("a product is not relinearised");
