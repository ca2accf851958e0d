//! What a program costs. FHE is data-oblivious, so the operations of a program are known exactly
//! before it runs; the price, the progress bar and the receipt all count the same ones.

use serde::{Deserialize, Serialize};

use crate::{
    parameters::{ParameterSet, ROLLUP_V1},
    program::{Program, Step},
};

/// Exact numbers of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationCounts {
    /// Ciphertexts read: slices times chunks, or GLWE ciphertexts expanded.
    pub loads: u64,
    /// Additions and subtractions of ciphertexts, merging of chunks included.
    pub additions: u64,
    /// Ciphertext products.
    pub multiplications: u64,
    /// Relinearisations.
    pub relinearisations: u64,
    /// Sums over the slots, each with its switch to the finish level.
    pub slot_sums: u64,
    /// Selected cells times arrays of rollup dot products.
    pub cells: u64,
}

/// The unit of metering: about a microsecond of one core of the reference machine. Weights belong
/// to the parameter set and never change, so a price does not depend on the machine that computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ComputeUnits(u64);

impl ComputeUnits {
    /// So many units.
    pub const fn new(units: u64) -> Self {
        Self(units)
    }

    /// The number of units.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Units of each kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weights {
    load: u64,
    addition: u64,
    multiplication: u64,
    relinearisation: u64,
    slot_sum: u64,
    cell: u64,
}

impl OperationCounts {
    /// The operations of `program` over a dataset of so many chunks (ignored by rollup).
    pub fn of(program: &Program, chunks: u64) -> Self {
        match program {
            Program::Rollup(program) => {
                let degree = ROLLUP_V1.degree as u64;
                let mut counts = Self::default();
                let ranges = program.outputs.iter().filter_map(|output| {
                    let selection = program.selections.get(output.selection as usize)?;
                    Some((program.arrays.get(output.array as usize)?.first, selection))
                });
                // Every ciphertext that a selected cell lies in is expanded once per program.
                let mut touched: Vec<(u64, u64)> = Vec::new();
                for (first, selection) in ranges {
                    for (low, high) in selection {
                        counts.cells += high - low;
                        touched.push(((first + low) / degree, (first + high - 1) / degree + 1));
                    }
                }
                counts.loads = union_length(touched);
                counts
            }
            Program::Scan(program) => {
                let mut counts = Self { loads: program.slices.len() as u64, ..Self::default() };
                let mut raw = vec![false; program.slices.len()];
                for step in &program.steps {
                    let degree_two = match step {
                        Step::Sum(operands) => {
                            counts.additions += (operands.len() as u64).saturating_sub(1);
                            operands.iter().any(|r| raw.get(*r as usize).copied().unwrap_or(false))
                        }
                        Step::Subtract(a, b) => {
                            counts.additions += 1;
                            [a, b].iter().any(|r| raw.get(**r as usize).copied().unwrap_or(false))
                        }
                        Step::Multiply(..) => {
                            counts.multiplications += 1;
                            counts.relinearisations += 1;
                            false
                        }
                        Step::MultiplyRaw(..) => {
                            counts.multiplications += 1;
                            true
                        }
                        Step::Combine(operands) => {
                            counts.additions += operands.len() as u64;
                            operands.iter().any(|(r, _)| raw.get(*r as usize).copied().unwrap_or(false))
                        }
                        Step::Relinearise(_) => {
                            counts.relinearisations += 1;
                            false
                        }
                    };
                    raw.push(degree_two);
                }
                let outputs = program.outputs.len() as u64;
                counts.loads *= chunks;
                counts.additions = counts.additions * chunks + outputs * chunks.saturating_sub(1);
                counts.multiplications *= chunks;
                counts.relinearisations *= chunks;
                counts.relinearisations += program
                    .outputs
                    .iter()
                    .filter(|r| raw.get(**r as usize).copied().unwrap_or(false))
                    .count() as u64;
                counts.slot_sums = outputs;
                counts
            }
        }
    }

    /// All operations together: the denominator of progress.
    pub const fn total(&self) -> u64 {
        self.loads
            + self.additions
            + self.multiplications
            + self.relinearisations
            + self.slot_sums
            + self.cells
    }

    /// The metered size of these operations.
    pub const fn units(&self, set: ParameterSet) -> ComputeUnits {
        let w = weights(set);
        // Cells are counted in nanoseconds, the rest in microseconds.
        ComputeUnits(
            self.loads * w.load
                + self.additions * w.addition
                + self.multiplications * w.multiplication
                + self.relinearisations * w.relinearisation
                + self.slot_sums * w.slot_sum
                + (self.cells * w.cell).div_ceil(1_000),
        )
    }
}

/// Total length of the union of half-open ranges.
fn union_length(mut ranges: Vec<(u64, u64)>) -> u64 {
    ranges.sort_unstable();
    let mut reached = 0;
    let mut length = 0;
    for (low, high) in ranges {
        let low = low.max(reached);
        if high > low {
            length += high - low;
            reached = high;
        }
    }
    length
}

const fn weights(set: ParameterSet) -> Weights {
    match set {
        ParameterSet::RollupV1 => Weights {
            load: 120,
            addition: 0,
            multiplication: 0,
            relinearisation: 0,
            slot_sum: 0,
            cell: 1_300,
        },
        ParameterSet::Scan8kV1 => Weights {
            load: 1_500,
            addition: 60,
            multiplication: 13_000,
            relinearisation: 7_000,
            slot_sum: 1_000,
            cell: 0,
        },
        ParameterSet::Scan16kV1 => Weights {
            load: 6_000,
            addition: 150,
            multiplication: 50_000,
            relinearisation: 30_000,
            slot_sum: 4_000,
            cell: 0,
        },
    }
}
