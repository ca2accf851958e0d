//! Errors of this crate. What they display is safe to log: sizes, positions and names of public
//! things, never values of rows or keys.

use sordino_protocol::{bounds::BoundError, parameters::ParameterSet, predict::InputError};

use crate::trust::TrustError;

/// Why a cryptographic operation failed.
#[derive(Debug, thiserror::Error)]
pub enum FheError {
    /// Bytes from outside were refused.
    #[error(transparent)]
    Untrusted(#[from] TrustError),
    /// A stored object could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The evaluation was asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A scan operation was asked of a rollup set.
    #[error("{0} is not a scan parameter set")]
    NotAScanSet(ParameterSet),
    /// A rollup operation was asked of a scan set.
    #[error("{0} is not a rollup parameter set")]
    NotARollupSet(ParameterSet),
    /// Ciphertext that must be the owner's own does not decrypt to what it says.
    #[error(
        "these keys do not open the aggregates of the earlier version: restore the keys it was published with"
    )]
    OtherKeys,
    /// Two things that must share a parameter set do not.
    #[error("parameter set {found} where {expected} is needed")]
    MixedSets {
        /// The set of the evaluator or the keys.
        expected: ParameterSet,
        /// The set of the program or the ciphertexts.
        found: ParameterSet,
    },
    /// The program cannot be executed.
    #[error("the program is not well formed: {0}")]
    Program(#[from] BoundError),
    /// Partial results of different programs were merged.
    #[error("partial results do not belong together: {expected} outputs and {found}")]
    Partials {
        /// Outputs of the first.
        expected: usize,
        /// Outputs of the second, or of the program.
        found: usize,
    },
    /// More rows than a chunk has slots.
    #[error("{rows} rows do not fit a chunk of {slots}")]
    TooManyRows {
        /// Rows given.
        rows: usize,
        /// Slots of a chunk.
        slots: usize,
    },
    /// The limbs of the layout do not fit the plaintext modulus of its set.
    #[error("limbs of {limb_bits} bits do not fit the slots of {set}")]
    LimbBits {
        /// Bits of a limb.
        limb_bits: u8,
        /// The set.
        set: ParameterSet,
    },
    /// A code, or a value after subtraction of its offset, lies outside what the layout has room for.
    #[error("column {column}: a value does not fit the layout")]
    ValueOutsideLayout {
        /// Index of the column in the schema.
        column: u16,
    },
    /// A cell's total needs more limbs than the layout has.
    #[error("the cell at address {address} needs more limbs than the layout gives it")]
    CellTooLarge {
        /// Address of its first limb.
        address: u64,
    },
    /// The rows of a prediction lack a column.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A prediction program asks for something that its packing or parameter set does not have.
    #[error("the prediction is not well formed: {0}")]
    Prediction(&'static str),
    /// There is no such segment.
    #[error("segment {index} of {segments}")]
    NoSuchSegment {
        /// The one asked for.
        index: u64,
        /// How many there are.
        segments: u64,
    },
    /// The BFV library refused.
    #[error("{operation}: {source}")]
    Bfv {
        /// What was being done.
        operation: &'static str,
        /// What the library said.
        #[source]
        source: Box<fhe::Error>,
    },
    /// The Parquet writer failed.
    #[error("writing a chunk: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

/// Why a stored object could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The reader was asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// There is no such object or slice.
    #[error("{what} is missing")]
    Missing {
        /// What was looked for.
        what: String,
    },
    /// The storage failed.
    #[error("reading: {0}")]
    Io(#[from] std::io::Error),
    /// The object is not a chunk.
    #[error(transparent)]
    Untrusted(#[from] TrustError),
}

impl FheError {
    /// Wraps an error of the BFV library.
    pub(crate) fn bfv(operation: &'static str) -> impl FnOnce(fhe::Error) -> Self {
        move |source| Self::Bfv { operation, source: Box::new(source) }
    }

    /// Wraps an error of its arithmetic.
    pub(crate) fn math(operation: &'static str) -> impl FnOnce(fhe_math::Error) -> Self {
        move |source| Self::bfv(operation)(source.into())
    }
}
