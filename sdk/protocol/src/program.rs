//! Programs: what the platform executes on ciphertext. A program follows from query and manifest
//! alone, so platform and gate compile the same one and compare digests.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::Canonical,
    digest::Purpose,
    layout::{CellArray, LayoutKind, Slice},
    parameters::ParameterSet,
    query::Term,
};

/// A compiled query. Its outputs are ciphertexts, group by group, and within a group one for every
/// [`OutputValue`], in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "layout", rename_all = "snake_case")]
pub enum Program {
    /// Dot products over encrypted aggregates.
    Rollup(RollupProgram),
    /// Arithmetic over encrypted slices.
    Scan(ScanProgram),
}

/// What one output ciphertext of a group decrypts to: a limb of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputValue {
    /// The term.
    pub term: Term,
    /// Which limb of its sum.
    pub limb: u8,
}

/// Integer dot products of cells with 0/1 weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollupProgram {
    /// The set of the cells.
    pub parameter_set: ParameterSet,
    /// Index of the cuboid in the layout.
    pub cuboid: u32,
    /// Per group: the selected cells of an array as sorted, disjoint, non-adjacent half-open ranges.
    pub selections: Vec<Vec<(u64, u64)>>,
    /// The arrays summed for every group, with their address.
    pub arrays: Vec<ProgramArray>,
    /// Bits of a limb.
    pub limb_bits: u8,
}

/// An array of the chosen cuboid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramArray {
    /// What it holds.
    pub array: CellArray,
    /// Address of its first cell.
    pub first: u64,
}

/// A register: first the loaded slices in order, then the result of each step in order.
pub type Register = u32;

/// A straight line of operations on slices, run for every chunk; the outputs of all chunks are
/// added, then finished: relinearised if needed, switched down to the set's finish level, and
/// summed over the slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanProgram {
    /// The set of the slices.
    pub parameter_set: ParameterSet,
    /// Slices read, each once.
    pub slices: Vec<Slice>,
    /// The operations.
    pub steps: Vec<Step>,
    /// Per group, per output value: the register that is summed over slots and chunks.
    pub outputs: Vec<Register>,
    /// What the outputs of each group mean.
    pub values: Vec<OutputValue>,
    /// Bits of a limb.
    pub limb_bits: u8,
}

/// One operation; operands are earlier registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The sum of at least two registers of the same degree.
    Sum(Vec<Register>),
    /// The first minus the second.
    Subtract(Register, Register),
    /// The product, relinearised: both operands and the result have degree 1.
    Multiply(Register, Register),
    /// The product left at degree 2: it may only be added, relinearised and be an output.
    MultiplyRaw(Register, Register),
    /// A linear combination of registers of the same degree: each times an integer other than 0, of
    /// at most [`MAX_COEFFICIENT`] either way. The result is taken modulo the plaintext modulus.
    Combine(Vec<(Register, i64)>),
    /// A sum of products brought from degree 2 to degree 1.
    Relinearise(Register),
}

/// The largest coefficient of a [`Step::Combine`].
pub const MAX_COEFFICIENT: i64 = 1 << 53;

impl Step {
    /// The registers it reads, in order, each as often as it is named.
    pub fn operands(&self) -> Vec<Register> {
        match self {
            Self::Sum(operands) => operands.clone(),
            Self::Combine(terms) => terms.iter().map(|(register, _)| *register).collect(),
            Self::Subtract(a, b) | Self::Multiply(a, b) | Self::MultiplyRaw(a, b) => vec![*a, *b],
            Self::Relinearise(a) => vec![*a],
        }
    }
}

impl Canonical for Program {
    const PURPOSE: Purpose = Purpose::Program;
}

impl Program {
    /// Which layout it runs on.
    pub const fn layout(&self) -> LayoutKind {
        match self {
            Self::Rollup(_) => LayoutKind::Rollup,
            Self::Scan(_) => LayoutKind::Scan,
        }
    }

    /// The set of its ciphertexts.
    pub const fn parameter_set(&self) -> ParameterSet {
        match self {
            Self::Rollup(program) => program.parameter_set,
            Self::Scan(program) => program.parameter_set,
        }
    }

    /// What the outputs of each group mean.
    pub fn values(&self) -> Vec<OutputValue> {
        match self {
            Self::Rollup(program) => program
                .arrays
                .iter()
                .map(|a| OutputValue { term: a.array.term, limb: a.array.limb })
                .collect(),
            Self::Scan(program) => program.values.clone(),
        }
    }

    /// Number of output ciphertexts.
    pub fn output_count(&self) -> usize {
        match self {
            Self::Rollup(program) => program.selections.len() * program.arrays.len(),
            Self::Scan(program) => program.outputs.len(),
        }
    }

    /// Bits of a limb of the outputs.
    pub const fn limb_bits(&self) -> u8 {
        match self {
            Self::Rollup(program) => program.limb_bits,
            Self::Scan(program) => program.limb_bits,
        }
    }
}
