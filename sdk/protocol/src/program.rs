//! Programs: what the platform executes on ciphertext. A program follows from query and manifest
//! alone, so platform and gate compile the same one and compare digests.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::Canonical,
    digest::Purpose,
    layout::{CellArray, LayoutKind, Slice},
    parameters::ParameterSet,
};

/// A compiled query. Its outputs are ciphertexts, group by group, equally many for each. One recipe for
/// every integer of the query's quantities, in order, says how it follows from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "layout", rename_all = "snake_case")]
pub enum Program {
    /// Dot products over encrypted aggregates.
    Rollup(RollupProgram),
    /// Arithmetic over encrypted slices.
    Scan(ScanProgram),
}

/// How an integer that is wanted of a group follows from the decrypted outputs of the group: each
/// times `coefficient * 2^shift`, added up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recipe(pub Vec<Part>);

/// A part of a [`Recipe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Which output of the group.
    pub output: u32,
    /// How often it counts.
    pub coefficient: i64,
    /// The place of a limb.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shift: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_zero(shift: &u8) -> bool {
    *shift == 0
}

/// Integer dot products of cells with 0/1 weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollupProgram {
    /// The set of the cells.
    pub parameter_set: ParameterSet,
    /// Index of the cuboid in the layout.
    pub cuboid: u32,
    /// Selected cells of an array as sorted, disjoint, non-adjacent half-open ranges.
    pub selections: Vec<Vec<(u64, u64)>>,
    /// The arrays that are summed, with their address.
    pub arrays: Vec<ProgramArray>,
    /// Group by group, what is summed.
    pub outputs: Vec<CellOutput>,
    /// How the wanted integers follow from the outputs of a group.
    pub recipes: Vec<Recipe>,
}

/// The sum of selected cells of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellOutput {
    /// Index of the selection.
    pub selection: u32,
    /// Index of the array.
    pub array: u32,
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
    /// Group by group: the registers that are summed over slots and chunks. A sum modulo t stands for
    /// the integer closest to 0.
    pub outputs: Vec<Register>,
    /// How the wanted integers follow from the outputs of a group.
    pub recipes: Vec<Recipe>,
}

/// One operation; operands are earlier registers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The frame of a program that the gate does not see: its outputs, one count for each group, without what
    /// they are computed from.
    pub fn of_counts(set: ParameterSet, groups: usize) -> Self {
        let recipes = vec![Recipe(vec![Part { output: 0, coefficient: 1, shift: 0 }])];
        if set.scan().is_none() {
            let outputs = vec![CellOutput { selection: 0, array: 0 }; groups];
            let (selections, arrays) = (vec![], vec![]);
            return Self::Rollup(RollupProgram {
                parameter_set: set,
                cuboid: 0,
                selections,
                arrays,
                outputs,
                recipes,
            });
        }
        let (slices, steps) = (vec![], vec![]);
        Self::Scan(ScanProgram { parameter_set: set, slices, steps, outputs: vec![0; groups], recipes })
    }

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

    /// How the wanted integers follow from the outputs of a group.
    pub fn recipes(&self) -> &[Recipe] {
        match self {
            Self::Rollup(program) => &program.recipes,
            Self::Scan(program) => &program.recipes,
        }
    }

    /// Number of output ciphertexts.
    pub fn output_count(&self) -> usize {
        match self {
            Self::Rollup(program) => program.outputs.len(),
            Self::Scan(program) => program.outputs.len(),
        }
    }
}
