//! Why a model cannot be evaluated on encrypted inputs, and what to change.

use sordino_protocol::{bounds::BoundError, schema::ColumnId};

/// What keeps a model from being served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PredictError {
    /// A network is too deep.
    #[error(
        "a network of {found} hidden layers: after the first, sums have too many values to look them up under encryption; fit one hidden layer"
    )]
    Layers {
        /// Its hidden layers.
        found: usize,
    },
    /// A hidden layer is too wide.
    #[error(
        "{found} units in the hidden layer, where 1 to {limit} are supported: fit another number of them"
    )]
    Units {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A network has too many scores.
    #[error("a network of {found} scores, more than the {limit} supported: fit one on fewer classes")]
    Classes {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A unit's sum has too many values.
    #[error(
        "the sum of a hidden unit takes {found} values, more than the {limit} that can be told apart under encryption: quantise over codes and with that many levels, as `model publish` does"
    )]
    Levels {
        /// How many it takes.
        found: u64,
        /// How many it may take.
        limit: usize,
    },
    /// Scores could wrap.
    #[error(
        "a score may lie anywhere in {low}..={high}, beyond the +-{limit} that a slot holds: quantise with fewer score bits"
    )]
    Scores {
        /// The smallest score.
        low: i64,
        /// The largest score.
        high: i64,
        /// The largest that is held, either way.
        limit: u64,
    },
    /// Too many ciphertexts, coefficients or trees.
    #[error(
        "{found} inputs, more than the {limit} that fit: publish fewer edges, quantise over measures, or encode tests instead of edges"
    )]
    Inputs {
        /// How many there would be.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Trees are too deep.
    #[error("a tree has {found} splits on a path, more than the {limit} supported here: limit the depth{}", if *.limit == sordino_protocol::predict::TREE_LEAVES.ilog2() as usize { " or serve batches" } else { "" })]
    Depth {
        /// The longest path.
        found: usize,
        /// The longest supported.
        limit: usize,
    },
    /// The steps would be too many.
    #[error("more than {limit} operations would be needed: use fewer or smaller trees")]
    Steps {
        /// How many there may be.
        limit: usize,
    },
    /// Model and schema do not go together.
    #[error("column {}: the schema has no {wanted} there, which the model reads: give the schema it was quantised over", column.0)]
    Column {
        /// The column.
        column: ColumnId,
        /// What is missing.
        wanted: &'static str,
    },
    /// The integer model is not well formed.
    #[error("the integer model is not well formed: {0}")]
    Model(&'static str),
    /// No parameter set bears it.
    #[error(
        "no parameter set bears this model ({0}): limit the depth of trees or quantise with fewer score bits"
    )]
    Bound(BoundError),
}
