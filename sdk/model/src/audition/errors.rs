//! Why a model has no audition, and why an answer has no metrics.

use sordino_protocol::{
    lower::LowerError,
    query::{MAX_COMPARED, QueryError},
};

use crate::metrics::MetricError;

/// What keeps a model from being evaluated by a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditionError {
    /// The label is read by the model, or grouped by.
    #[error("`{label}` is what is predicted: neither may the model read it, nor can it be grouped by")]
    LabelIsInput {
        /// Name of the label.
        label: String,
    },
    /// Grouped by something that is no dimension.
    #[error("`{column}` is no dimension: group by a column that can be grouped by")]
    GroupIsNoDimension {
        /// Its name.
        column: String,
    },
    /// The label of a classifier is no dimension.
    #[error("`{label}` is no dimension: the label of a classifier must be one, with the classes as values")]
    LabelIsNoDimension {
        /// Its name.
        label: String,
    },
    /// The label of a regression is no measure.
    #[error("`{label}` is no measure: the label of a model that predicts a number must be one")]
    LabelIsNoMeasure {
        /// Its name.
        label: String,
    },
    /// No class of the model is a value of the label.
    #[error(
        "no class of the model is a value of `{label}`: the classes are {classes}, the values {values}; fit the \
         model on the labels of the table"
    )]
    NoCommonClass {
        /// Name of the label.
        label: String,
        /// Some of the model's.
        classes: String,
        /// Some of the table's.
        values: String,
    },
    /// A class needs a threshold of a score, of a model that tells too many inputs apart.
    #[error(
        "scores of {levels} levels are too fine to be compared under encryption, and the predictions cannot be \
         tabulated either: {why}. Use coarser scores, or inputs of at most {} combinations of codes",
        super::MAX_JOINT
    )]
    Threshold {
        /// Values that the score may have.
        levels: u128,
        /// Why it cannot be tabulated.
        why: String,
    },
    /// A score too fine for its levels to be counted.
    #[error(
        "the score has {levels} levels, more than its powers have room for under encryption: quantise it to fewer \
         bits, or use shallower trees"
    )]
    Levels {
        /// Integers within its bounds.
        levels: u64,
    },
    /// A score whose powers are too deep.
    #[error("the levels of the score cannot be counted under encryption: {0}; use shallower trees")]
    Depth(LowerError),
    /// Counts of too many levels and groups to be held.
    #[error(
        "the counts of all levels, labels and groups would take more than the {limit} MB that a platform holds: group \
         by fewer values"
    )]
    TooManyGroups {
        /// Megabytes.
        limit: u64,
    },
    /// A score for each of too many classes.
    #[error(
        "{classes} scores cannot be compared with each other: at most {MAX_COMPARED} classes or clusters are told \
         apart by the largest of their scores"
    )]
    TooManyClasses {
        /// How many there are.
        classes: usize,
    },
    /// A number predicted by a model that the gate is not to see.
    #[error(
        "the model predicts a number, whose errors are sums: of a hidden model only counts of rows by predicted \
         class are released, so disclose it"
    )]
    HiddenNumber,
    /// A network of inputs that are too many to be tabulated.
    #[error(
        "a network is evaluated for every combination of the codes of its inputs, at most {}: use fewer inputs, or \
         ask the owner for coarser buckets",
        super::MAX_JOINT
    )]
    NetworkOfManyInputs,
    /// A threshold of a score that reads a measure.
    #[error(
        "a threshold needs a score of codes, and the model reads the measure `{column}`: publish it as buckets too"
    )]
    ThresholdOfMeasure {
        /// Its name.
        column: String,
    },
    /// A prediction of too many parts.
    #[error(
        "the prediction is made of {found} leaves or cells: at most {} are answered; use a shallower tree, \
         or fewer inputs",
        super::MAX_CELLS
    )]
    TooManyCells {
        /// How many there are.
        found: usize,
    },
    /// A sum of too many trees or columns.
    #[error(
        "the squared error of a sum of {parts} trees or columns is a sum of too many products: they cannot be joined to \
         at most {limit} parts; use fewer or shallower trees, or read measures instead of dimensions"
    )]
    TooManyParts {
        /// Trees and columns.
        parts: usize,
        /// The most parts.
        limit: usize,
    },
    /// Too many measures without values.
    #[error("{found} inputs are measures that may have no value: at most {limit} are answered; impute them")]
    TooManyNullable {
        /// How many.
        found: usize,
        /// The most.
        limit: usize,
    },
    /// A label whose values cannot be told apart.
    #[error(
        "the model tells too many combinations of codes apart to be tabulated, so rows are counted by the value of \
         `{label}`: the owner has to publish it as a dimension, too, each code of which is one number; or use fewer \
         inputs"
    )]
    LabelOfManyValues {
        /// Its name.
        label: String,
    },
    /// A prediction that is no sum, of inputs that are too many to be tabulated.
    #[error(
        "the prediction is no sum of columns or trees, so it is evaluated for every combination of codes of the inputs: \
         {why}; use fewer inputs, or ask the owner for coarser buckets"
    )]
    NotTabulated {
        /// Why it cannot be.
        why: String,
    },
    /// Integers beyond 64 bits.
    #[error("squared errors would exceed 64 bits over the rows: use fewer bits for scores")]
    TooFine,
    /// The model is not well formed.
    #[error("the integer model is not well formed: {0}")]
    Model(&'static str),
    /// See [`QueryError`].
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Why an answer has no metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The answer has other groups or values than the audition asked for.
    #[error("the answer is not one of this audition: {0}")]
    NotThis(&'static str),
    /// Everything is withheld.
    #[error(
        "everything is withheld: fewer rows than the owner's cohort of {min_cohort} stand behind each value"
    )]
    Withheld {
        /// The owner's.
        min_cohort: u32,
    },
    /// See [`MetricError`].
    #[error(transparent)]
    Metric(#[from] MetricError),
}
