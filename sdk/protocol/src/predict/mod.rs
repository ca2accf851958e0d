//! Encrypted prediction: a vendor's model, a client's rows, encrypted under the client's own keys.
//!
//! The vendor's model becomes a [`PredictionProgram`]. Its [`InputForm`] is public to clients: it says
//! what they encrypt and how the answer is decrypted. Everything else of it stays with the platform.
//! What a form reveals of the model is the vendor's choice, see [`InputEncoding`] and [`Packing`].

mod input;
mod network;
mod program;
mod shadow;

use serde::{Deserialize, Serialize};

pub use self::{
    input::{Input, InputError},
    network::{
        MAX_GROUPS, MAX_NETWORK_SCORES, MAX_UNIT_LEVELS, MAX_UNITS, Network, NetworkSlots, Schedule, Unit,
    },
    program::{Evaluation, InputForm, Leaves, Output, Packing, PredictionProgram, Weights},
};

/// The splits of a tree that is evaluated in slots: a complete tree of depth 4, in heap order.
pub const TREE_NODES: usize = 15;
/// The leaves of such a tree, from left to right.
pub const TREE_LEAVES: usize = 16;
/// The most ciphertexts that a form may ask for.
pub const MAX_INPUTS: usize = 4_096;

/// What a client computes of a row before encrypting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputEncoding {
    /// For each column of the schema whether the code is at least 1, 2, and so on, or the value of a
    /// measure. Reveals nothing but the schema and, for a linear model, whether it reads values or codes
    /// of a column that has both, and squares of values.
    Edges,
    /// For each distinct test of the model whether the row passes it, or for a network only those edges at
    /// which some unit's sum changes: fewer ciphertexts. Reveals which tests there are, but no tree and no
    /// number that is added up.
    Tests,
}
