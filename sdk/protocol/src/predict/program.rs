//! A model as it is evaluated under encryption, and the part of it that clients see.

use serde::{Deserialize, Serialize};

use super::{Input, Network, NetworkSlots, TREE_NODES};
use crate::{
    canonical::Canonical,
    digest::Purpose,
    parameters::ParameterSet,
    program::{Register, Step},
};

/// What a client encrypts and how it decrypts the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputForm {
    /// The set of keys, inputs and outputs.
    pub parameter_set: ParameterSet,
    /// What is in which slot of which ciphertext.
    pub packing: Packing,
    /// Scores of a row. A score modulo t stands for the integer closest to 0.
    pub scores: u32,
}

/// How rows are laid out in ciphertexts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Packing {
    /// Many rows: a ciphertext for each input, a row in each slot.
    Batch {
        /// In the order of the ciphertexts.
        inputs: Vec<Input>,
    },
    /// Few rows: one after another in the coefficients, as many in a ciphertext as fit.
    Rows {
        /// In the order of a row's coefficients.
        inputs: Vec<Input>,
    },
    /// One row: a ciphertext for each node of a complete tree of depth 4, a tree in each slot. Reveals
    /// which test each node of each tree makes.
    Trees {
        /// For each tree its nodes in heap order; a row that passes goes left. Nothing where the tree is
        /// less deep.
        trees: Vec<Vec<Option<Input>>>,
    },
    /// A network of one hidden layer: the inputs of a row over so many slots, as [`NetworkSlots`] has them,
    /// and ciphertext by ciphertext. Reveals how many units there are.
    Network {
        /// Input i is in group i modulo the number of groups, of ciphertext i over that number.
        inputs: Vec<Input>,
        /// Units of the hidden layer.
        units: u32,
        /// Slots of a row.
        groups: u32,
    },
}

/// A model as a straight line of operations on encrypted inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionProgram {
    /// The part that clients see.
    pub form: InputForm,
    /// The part that only the platform sees; it goes with the packing.
    pub evaluation: Evaluation,
}

/// What is computed of the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Evaluation {
    /// Of a [`Packing::Batch`].
    Steps {
        /// As in a scan program; the first registers are the inputs.
        steps: Vec<Step>,
        /// One a score.
        outputs: Vec<Output>,
    },
    /// Of [`Packing::Rows`]: inner products, one a score.
    Weights(Vec<Weights>),
    /// Of [`Packing::Trees`]: sums over all trees, one a score.
    Leaves(Vec<Leaves>),
    /// Of a [`Packing::Network`].
    Network(Network),
}

/// A register of degree 1 plus a constant, or the constant alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The register.
    pub register: Option<Register>,
    /// Added in every slot.
    pub constant: i64,
}

/// An inner product with the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// One an input.
    pub weights: Vec<i64>,
    /// Added to the product.
    pub constant: i64,
}

/// What the leaves of all trees add to one score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaves {
    /// For each tree the values of its leaves, from left to right.
    pub trees: Vec<Vec<i64>>,
    /// Added to the sum.
    pub constant: i64,
}

impl Canonical for PredictionProgram {
    const PURPOSE: Purpose = Purpose::Prediction;
}

impl Canonical for InputForm {
    const PURPOSE: Purpose = Purpose::InputForm;
}

impl InputForm {
    /// Ciphertexts of a request of so many rows.
    pub fn ciphertexts(&self, rows: usize) -> usize {
        match &self.packing {
            Packing::Batch { inputs } => inputs.len(),
            Packing::Rows { .. } => rows.div_ceil(self.rows_of_one().max(1)),
            Packing::Trees { .. } => TREE_NODES,
            Packing::Network { inputs, groups, .. } => {
                inputs.len().div_ceil((*groups).max(1) as usize).max(1)
            }
        }
    }

    /// Rows that share a ciphertext.
    pub fn rows_of_one(&self) -> usize {
        let degree = self.parameter_set.bfv().map_or(0, |numbers| numbers.degree);
        match &self.packing {
            Packing::Batch { .. } => degree,
            Packing::Rows { inputs } => degree / inputs.len().max(1),
            Packing::Trees { .. } => 1,
            Packing::Network { .. } => NetworkSlots::of(self).map_or(0, |slots| slots.rows()),
        }
    }

    /// The most rows of one request: as many as there are slots, or what fits as many ciphertexts as
    /// there are inputs, since a batch is better then.
    pub fn rows(&self) -> usize {
        match &self.packing {
            Packing::Batch { .. } | Packing::Trees { .. } | Packing::Network { .. } => self.rows_of_one(),
            Packing::Rows { inputs } => self.rows_of_one() * inputs.len().max(1),
        }
    }

    /// Scores that come as a ciphertext each in the answer to a request of so many rows.
    pub fn outputs(&self, rows: usize) -> usize {
        let parts = if matches!(self.packing, Packing::Rows { .. }) { self.ciphertexts(rows) } else { 1 };
        parts.saturating_mul(self.scores as usize)
    }
}
