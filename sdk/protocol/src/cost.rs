//! What a program costs. FHE is data-oblivious, so the operations of a program are known exactly
//! before it runs; the price, the progress bar and the receipt all count the same ones.

use serde::{Deserialize, Serialize};

use crate::{
    bounds,
    parameters::{ParameterSet, ROLLUP_V1, ScanParameters},
    program::{Program, ScanProgram, Step},
};

/// Exact numbers of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationCounts {
    /// Ciphertexts read: slices times chunks, or GLWE ciphertexts expanded.
    pub loads: u64,
    /// Additions and subtractions of ciphertexts, merging of chunks included; a linear combination
    /// counts as many as it has terms.
    pub additions: u64,
    /// Ciphertexts brought into the basis in which products are computed: once for each register that
    /// is multiplied, and once for each step that adds what has been multiplied to what has not.
    pub extensions: u64,
    /// Products of extended ciphertexts.
    pub multiplications: u64,
    /// Products, or sums of them, scaled down and relinearised within a chunk.
    pub relinearisations: u64,
    /// Outputs that are no sum of products: switched to the finish level and extracted.
    pub slot_sums: u64,
    /// Outputs that are sums of products: scaled down, relinearised and extracted.
    pub product_sums: u64,
    /// Moduli that products are computed in, which scales the weights above; not an operation.
    pub moduli: u64,
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
            Program::Scan(program) => scan(program, chunks),
        }
    }

    /// About what so many products within a program cost, each of two factors of its own, when the
    /// program is not known: in one modulus more than the fewest, as at depth 2.
    pub(crate) fn of_products(set: ParameterSet, count: u64) -> Self {
        let moduli = set
            .bfv()
            .map_or(0, |numbers| (numbers.relinearisation_moduli() + 1).min(numbers.moduli.len()) as u64);
        Self {
            extensions: 2 * count,
            multiplications: count,
            relinearisations: count,
            moduli,
            ..Self::default()
        }
    }

    /// All operations together: the denominator of progress.
    pub const fn total(&self) -> u64 {
        self.loads
            + self.additions
            + self.extensions
            + self.multiplications
            + self.relinearisations
            + self.slot_sums
            + self.product_sums
            + self.cells
    }

    /// The metered size of these operations.
    pub const fn units(&self, set: ParameterSet) -> ComputeUnits {
        let Some(numbers) = set.bfv() else {
            // Cells are counted in nanoseconds, the rest in microseconds.
            return ComputeUnits(self.loads * CIPHERTEXT_EXPANDED + (self.cells * CELL).div_ceil(1_000));
        };
        let work = Work { numbers, working: self.moduli };
        let nanoseconds = self.loads * work.load()
            + self.additions * work.addition()
            + self.extensions * work.extension()
            + self.multiplications * work.multiplication()
            + self.relinearisations * work.relinearisation()
            + self.slot_sums * work.slot_sum()
            + self.product_sums * work.product_sum();
        ComputeUnits(nanoseconds.div_ceil(1_000))
    }
}

/// The operations of a scan program; one that is not well formed is counted as far as it makes sense.
fn scan(program: &ScanProgram, chunks: u64) -> OperationCounts {
    let mut counts = OperationCounts::default();
    let Ok(working) = bounds::working_moduli(program) else { return counts };
    let Ok(degrees) = bounds::degrees(program) else { return counts };
    let depths = bounds::depths(program);
    let full = program.parameter_set.bfv().is_some_and(|numbers| numbers.moduli.len() == working);
    let mut multiplied = vec![false; degrees.len()];
    for step in &program.steps {
        let operands = step.operands();
        match step {
            Step::Sum(_) | Step::Subtract(..) | Step::Combine(_) => {
                let combined = matches!(step, Step::Combine(_));
                counts.additions += operands.len() as u64 - u64::from(!combined);
                let early = operands.iter().filter(|register| depths[**register as usize] == 0).count();
                counts.extensions += u64::from(!full && (1..operands.len()).contains(&early));
            }
            Step::Multiply(..) | Step::MultiplyRaw(..) => {
                counts.multiplications += 1;
                counts.relinearisations += u64::from(matches!(step, Step::Multiply(..)));
                operands.iter().for_each(|register| multiplied[*register as usize] = true);
            }
            Step::Relinearise(_) => counts.relinearisations += 1,
        }
    }
    counts.extensions += multiplied.iter().filter(|multiplied| **multiplied).count() as u64;
    let outputs = program.outputs.len() as u64;
    let products = program.outputs.iter().filter(|register| degrees[**register as usize] == 2).count() as u64;
    let times = if bounds::finishes_early(program).unwrap_or(false) { chunks } else { 1 };
    OperationCounts {
        loads: program.slices.len() as u64 * chunks,
        additions: counts.additions * chunks + outputs * chunks.saturating_sub(1),
        extensions: counts.extensions * chunks,
        multiplications: counts.multiplications * chunks,
        relinearisations: counts.relinearisations * chunks,
        slot_sums: (outputs - products) * times,
        product_sums: products * times,
        moduli: working as u64,
        cells: 0,
    }
}

/// Units of expanding a GLWE ciphertext and building its prefix sums.
const CIPHERTEXT_EXPANDED: u64 = 120;
/// Nanoseconds of one selected cell of one array.
const CELL: u64 = 1_300;

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

/// What the operations of a scan set cost, from the transforms and multiplications that they consist
/// of. All results are nanoseconds.
struct Work {
    numbers: &'static ScanParameters,
    /// Moduli that products are computed in.
    working: u64,
}

impl Work {
    const fn full(&self) -> u64 {
        self.numbers.moduli.len() as u64
    }

    const fn extended(&self) -> u64 {
        ScanParameters::extended_moduli(self.working as usize) as u64
    }

    /// So many number-theoretic transforms of a polynomial modulo one prime.
    const fn transforms(&self, count: u64) -> u64 {
        let (degree, log) = (self.numbers.degree as u64, self.numbers.degree.ilog2() as u64);
        count * degree * log * TRANSFORM / 1_000
    }

    /// So many multiplications of a whole polynomial modulo one prime.
    const fn products(&self, count: u64) -> u64 {
        count * self.numbers.degree as u64 * PRODUCT / 1_000
    }

    /// Converting a polynomial from one basis to another.
    const fn conversion(&self, from: u64, to: u64) -> u64 {
        self.products(from * (to + 4) + 2 * to)
    }

    /// Unpacking one polynomial, drawing the other, and a transform of the first.
    const fn load(&self) -> u64 {
        self.transforms(self.full()) + self.products(10 * self.full())
    }

    const fn addition(&self) -> u64 {
        self.products(2 * self.full())
    }

    const fn extension(&self) -> u64 {
        let (from, to) = (self.full(), self.extended());
        2 * (self.transforms(from + to) + self.conversion(from, to))
    }

    const fn multiplication(&self) -> u64 {
        self.products(8 * self.extended())
    }

    const fn key_switch(&self, moduli: u64) -> u64 {
        self.transforms(moduli * moduli) + self.products(2 * moduli * moduli)
    }

    const fn relinearisation(&self) -> u64 {
        let (from, to) = (self.extended(), self.working);
        3 * (self.transforms(from) + self.conversion(from, to))
            + self.transforms(2 * to)
            + self.key_switch(to)
    }

    const fn slot_sum(&self) -> u64 {
        self.transforms(self.full()) + self.conversion(self.full(), self.numbers.finish_moduli() as u64)
    }

    /// Coefficient 0 of the first polynomial needs no transform.
    const fn product_sum(&self) -> u64 {
        let (from, to) = (self.extended(), self.numbers.relinearisation_moduli() as u64);
        2 * (self.transforms(from) + self.conversion(from, to))
            + self.key_switch(to)
            + self.transforms(to)
            + self.conversion(to, self.numbers.finish_moduli() as u64)
    }
}

/// Picoseconds of a coefficient's share in one layer of a transform.
const TRANSFORM: u64 = 400;
/// Picoseconds of multiplying and adding one coefficient.
const PRODUCT: u64 = 650;
