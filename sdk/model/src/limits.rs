//! How large a model may be. Checked before work is done, so that a hostile file costs little.

/// Upper bounds on a model from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file.
    pub bytes: usize,
    /// Input columns.
    pub inputs: usize,
    /// Features after preprocessing.
    pub features: usize,
    /// Values that one feature or input lists (categories).
    pub values: usize,
    /// Values that all features and inputs list together.
    pub all_values: usize,
    /// Classes, clusters, or outputs.
    pub classes: usize,
    /// Trees of an ensemble.
    pub trees: usize,
    /// Nodes of all trees together, leaves included.
    pub nodes: usize,
    /// Splits on the longest path from a root to a leaf.
    pub depth: usize,
    /// Layers of a network.
    pub layers: usize,
    /// Units of one layer.
    pub units: usize,
    /// Numbers of a model all together: weights, table entries, leaf values.
    pub weights: usize,
    /// Characters of a name or a category.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            inputs: 512,
            features: 8_192,
            values: 4_096,
            all_values: 65_536,
            classes: 256,
            trees: 4_096,
            nodes: 200_000,
            depth: 64,
            layers: 8,
            units: 1_024,
            weights: 2_000_000,
            text: 512,
        }
    }
}

/// Something of a model is larger than accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} {what}: at most {limit} are accepted")]
pub struct TooLarge {
    /// What is counted.
    pub what: &'static str,
    /// How many there are.
    pub found: usize,
    /// How many there may be.
    pub limit: usize,
}

/// Refuses `found` of `what` above `limit`.
///
/// # Errors
/// When there are more.
pub const fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), TooLarge> {
    if found > limit { Err(TooLarge { what, found, limit }) } else { Ok(()) }
}
