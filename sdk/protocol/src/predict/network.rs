//! A network of one hidden layer under encryption: what is evaluated, and in which slots.
//!
//! A unit's sum of weighted inputs is one of few integers, its *levels*. So its activation, times the weight
//! that a score gives it, is a polynomial of degree below their number, modulo t. Every slot has coefficients
//! of its own: one evaluation serves all units of many rows.
//!
//! A row has as many slots as there are *groups*, one for each of so many inputs; its other inputs are in
//! further ciphertexts. Slots rotate in two halves. Group g of row r is in slot `h N/2 + g R + r`, where a
//! half holds R rows and h is the half, so that rotating by R leads from one group to the next for all rows.
//!
//! Units are counted up to a power of 4, the *period* P. Weighted inputs are added up along P groups, so that
//! group g has a part of the sum of unit g modulo P; then groups that are P, 2 P, .. apart are added.

use serde::{Deserialize, Serialize};

use super::{InputForm, Packing, Weights};
use crate::{parameters::ParameterSet, query::score::interpolated};

/// The most levels of a unit's sum.
pub const MAX_UNIT_LEVELS: usize = 256;
/// The most units of the hidden layer.
pub const MAX_UNITS: usize = 64;
/// The most scores: the polynomials of each are evaluated anew.
pub const MAX_NETWORK_SCORES: usize = 16;
/// The most groups.
pub const MAX_GROUPS: usize = 256;

/// A network of one hidden layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The hidden layer.
    pub units: Vec<Unit>,
    /// One a score: a weight for each unit's output, and what is added.
    pub scores: Vec<Weights>,
}

/// A unit of the hidden layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its level: from 0 on for every row.
    pub sum: Weights,
    /// Its output at each level.
    pub outputs: Vec<i64>,
}

/// Which slots rows and units have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkSlots {
    degree: usize,
    /// Units.
    pub units: usize,
    /// Groups of inputs.
    pub groups: usize,
}

impl NetworkSlots {
    /// Nothing for another packing, or one that cannot be.
    pub fn of(form: &InputForm) -> Option<Self> {
        let Packing::Network { units, groups, .. } = &form.packing else { return None };
        let (units, groups) = (*units as usize, *groups as usize);
        let slots = Self { degree: form.parameter_set.bfv()?.degree, units, groups };
        let fits = (1..=MAX_UNITS).contains(&units) && (slots.period()..=MAX_GROUPS).contains(&groups);
        let rotates = || form.parameter_set.rotations().contains(&slots.half_rows());
        (fits && is_power_of_4(groups) && rotates()).then_some(slots)
    }

    /// The fewest groups that so many units need.
    pub fn fewest_groups(units: usize) -> usize {
        let mut period = 4;
        while period < units {
            period *= 4;
        }
        period
    }

    /// Units, counted up to a power of 4.
    pub fn period(&self) -> usize {
        Self::fewest_groups(self.units)
    }

    /// Rows of a half.
    pub const fn half_rows(&self) -> usize {
        self.degree / 2 / self.groups
    }

    /// Rows of a request.
    pub const fn rows(&self) -> usize {
        2 * self.half_rows()
    }

    /// The slot of a group of a row; the output of unit g is in that of group g.
    pub const fn slot(&self, row: usize, group: usize) -> usize {
        let rows = self.half_rows();
        row / rows * (self.degree / 2) + group * rows + row % rows
    }

    /// By how many slots to rotate when groups are added that are one period apart, four of them, and then
    /// groups that are four times as far apart, and so on.
    pub fn folds(&self) -> Vec<usize> {
        let steps = std::iter::successors(Some(self.period()), |apart| Some(4 * apart));
        steps.take_while(|apart| *apart < self.groups).map(|apart| apart * self.half_rows()).collect()
    }

    /// A vector that has the same value for a unit in all rows, and 0 where no unit is.
    pub fn by_unit(&self, value: impl Fn(usize) -> u64) -> Vec<u64> {
        let mut slots = vec![0; self.degree];
        for (group, unit) in (0..self.groups).map(|group| (group, group % self.period())) {
            if unit < self.units {
                self.fill(&mut slots, group, value(unit));
            }
        }
        slots
    }

    /// Sets a group of all rows.
    pub fn fill(&self, slots: &mut [u64], group: usize, value: u64) {
        let rows = self.half_rows();
        for half in [0, self.degree / 2] {
            slots[half + group * rows..half + (group + 1) * rows].fill(value);
        }
    }
}

const fn is_power_of_4(number: usize) -> bool {
    number.is_power_of_two() && number.trailing_zeros().is_multiple_of(2)
}

impl Network {
    /// Whether it goes with a form.
    pub(super) fn is_consistent(&self, form: &InputForm) -> bool {
        let Packing::Network { inputs, units, .. } = &form.packing else { return false };
        let units_fit = self.units.len() == *units as usize
            && self.units.iter().all(|unit| {
                unit.sum.weights.len() == inputs.len() && (1..=MAX_UNIT_LEVELS).contains(&unit.outputs.len())
            });
        NetworkSlots::of(form).is_some()
            && units_fit
            && self.scores.len() == form.scores as usize
            && self.scores.len() <= MAX_NETWORK_SCORES
            && self.scores.iter().all(|score| score.weights.len() == self.units.len())
    }

    /// How its polynomials are evaluated.
    pub fn schedule(&self) -> Schedule {
        Schedule::of(self.units.iter().map(|unit| unit.outputs.len()).max().unwrap_or(1))
    }

    /// For each unit the coefficients of what it adds to a score, as a polynomial of its level modulo t,
    /// from the constant on.
    pub fn polynomials(&self, set: ParameterSet, score: &Weights) -> Vec<Vec<u64>> {
        let prime = set.bfv().map_or(2, |numbers| numbers.plaintext_modulus);
        let reduced = |value: i128| value.rem_euclid(i128::from(prime)) as u64;
        let unit = |(unit, weight): (&Unit, &i64)| {
            let outputs = unit.outputs.iter();
            let values: Vec<u64> =
                outputs.map(|output| reduced(i128::from(*output) * i128::from(*weight))).collect();
            interpolated(&values, prime)
        };
        self.units.iter().zip(&score.weights).map(unit).collect()
    }
}

/// How a polynomial is evaluated, as Paterson and Stockmeyer do: blocks are linear in few small powers, and
/// pairs of blocks are joined by a product with a power of twice the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Coefficients of a block, a power of 2.
    pub block: usize,
    /// Blocks, a power of 2.
    pub blocks: usize,
}

impl Schedule {
    /// Of so many coefficients.
    pub fn of(coefficients: usize) -> Self {
        let block = coefficients.isqrt().next_power_of_two().max(2);
        Self { block, blocks: coefficients.div_ceil(block).next_power_of_two() }
    }

    /// The powers that are needed beyond the first, in rising order, each with two lower ones that it is
    /// the product of.
    pub fn powers(&self) -> Vec<(usize, [usize; 2])> {
        let small = (2..self.block).map(|power| {
            let high = 1 << power.ilog2();
            if high == power { (power, [power / 2; 2]) } else { (power, [high, power - high]) }
        });
        let sizes = std::iter::successors(Some(self.block), |size| Some(2 * size));
        let large =
            sizes.take_while(|size| *size < self.block * self.blocks).map(|size| (size, [size / 2; 2]));
        small.chain(large).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bounds::{FLOODING_BITS, prediction_flooding},
        predict::{Evaluation, Input, PredictionProgram},
        schema::ColumnId,
    };

    fn program(units: usize, groups: usize, inputs: usize, levels: usize) -> PredictionProgram {
        let weights = |count| Weights { weights: vec![1; count], constant: 0 };
        let unit = Unit { sum: weights(inputs), outputs: (0..levels as i64).collect() };
        PredictionProgram {
            form: InputForm {
                parameter_set: ParameterSet::Network16kV1,
                packing: Packing::Network {
                    inputs: vec![Input::Value(ColumnId(0)); inputs],
                    units: units as u32,
                    groups: groups as u32,
                },
                scores: 1,
            },
            evaluation: Evaluation::Network(Network {
                units: vec![unit; units],
                scores: vec![weights(units)],
            }),
        }
    }

    #[test]
    fn the_widest_networks_fit_and_can_be_hidden() {
        for (units, groups, inputs) in [(4, 4, 1_000), (16, 16, 8_192), (16, 256, 8_192), (64, 256, 60_000)] {
            let program = program(units, groups, inputs, MAX_UNIT_LEVELS);
            assert!(program.is_consistent());
            let found = prediction_flooding(&program).expect("it fits");
            println!("{units} units, {groups} groups, {inputs} inputs: {found:?}");
            assert!(found.flood_bits[0] >= found.noise_bits[0] + FLOODING_BITS);
        }
    }
}
