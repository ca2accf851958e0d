//! Why a query is refused before it is compiled.

use super::{
    MAX_COMPARISONS, MAX_COMPUTED, MAX_GROUP_KEYS, MAX_GROUPS, MAX_LABEL, MAX_OUTPUTS, MAX_OVERLAPPING,
    MAX_SCORES,
    groups::{MAX_CLASSES, MAX_COMPARED},
    score::{MAX_LEVELS, MAX_TERMS, TreeError},
    value::{MAX_BRANCHES, MAX_FACTORS, MAX_MONOMIALS, MAX_VALUE_SCALE},
};

/// Why a query does not belong to a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Too few or too many outputs.
    #[error("{0} outputs: expected 1 to {MAX_OUTPUTS}")]
    OutputCount(usize),
    /// A column id that the schema does not have.
    #[error("column {0} is not in the schema")]
    UnknownColumn(u16),
    /// Filtered, grouped or ranked by something that is no dimension.
    #[error("`{0}` is not a dimension: it cannot be filtered, grouped or ranked by")]
    NotADimension(String),
    /// Summed something that is no measure.
    #[error("`{0}` is not a measure: it cannot be summed or averaged")]
    NotAMeasure(String),
    /// An output shows a grouping key that there is not.
    #[error("output {0} shows a grouping key that the query does not have")]
    NotGrouped(usize),
    /// Grouped by too many keys.
    #[error("grouped by {0} keys: expected at most {MAX_GROUP_KEYS}, each once")]
    GroupKeys(usize),
    /// A key without classes, or with too many.
    #[error("a grouping key with {0} classes: expected 1 to {MAX_CLASSES}")]
    Classes(usize),
    /// Too many groups.
    #[error("{0} groups: at most {MAX_GROUPS} are answered; group by fewer or coarser dimensions")]
    GroupCount(u64),
    /// Too many integers for all groups together.
    #[error("{0} sums for all groups together: at most {MAX_COMPUTED} are computed; ask for fewer")]
    Computed(u64),
    /// A value with too many parts.
    #[error(
        "an expression of {branches} cases with up to {monomials} products of up to {factors} measures: \
         expected at most {MAX_BRANCHES}, {MAX_MONOMIALS} and {MAX_FACTORS}"
    )]
    Value {
        /// Its branches.
        branches: usize,
        /// The most products in one.
        monomials: usize,
        /// The most factors in one.
        factors: usize,
    },
    /// A value with too many decimal places.
    #[error("an expression with {0} decimal places: expected at most {MAX_VALUE_SCALE}")]
    TooFine(u8),
    /// A value beyond 64 bits.
    #[error("an expression could reach {0}: sums and their parts must stay below 2^63")]
    TooLarge(i128),
    /// A value that is not written in its one form.
    #[error("the products of an expression are not sorted, or one of them vanishes")]
    NotCollected,
    /// A band that no score is in.
    #[error("a band from {from} to below {to} has no score: expected from < to")]
    EmptyBand {
        /// Its start.
        from: i64,
        /// Its end.
        to: i64,
    },
    /// A score of too many levels or terms.
    #[error(
        "a score of {terms} terms and {levels} levels: at most {MAX_TERMS} terms and {MAX_LEVELS} levels can be \
         counted; quantise it to fewer"
    )]
    Score {
        /// What it adds up.
        terms: usize,
        /// Integers within its bounds.
        levels: u64,
    },
    /// A key of too few or too many scores.
    #[error(
        "the largest of {scores} scores with {labels} labels: expected 2 to {MAX_COMPARED}, each with a label of its \
         own"
    )]
    Compared {
        /// Scores.
        scores: usize,
        /// Labels.
        labels: usize,
    },
    /// A term with another number of values than its column has codes.
    #[error("a score gives {found} values to `{column}`, which has {expected} codes")]
    ScoreCodes {
        /// The column.
        column: String,
        /// Codes, null included.
        expected: u32,
        /// Values.
        found: usize,
    },
    /// A tree that is none.
    #[error("term {term} of a score is no tree: {error}")]
    ScoreTree {
        /// Its position.
        term: usize,
        /// What is wrong.
        error: TreeError,
    },
    /// A split that does not tell codes apart.
    #[error("a tree of a score asks for none or all of the {codes} codes of `{column}`, or for others")]
    ScoreSplit {
        /// The column.
        column: String,
        /// Codes, null included.
        codes: u32,
    },
    /// Scores that are missing, unused, repeated or not in their order.
    #[error(
        "{0} scores: expected at most {MAX_SCORES}, each used, none twice, in the order in which outputs use them"
    )]
    Scores(usize),
    /// Scores of too many parts.
    #[error(
        "scores of {found} parts together, nodes of trees and ranges of their codes: at most {limit} are compiled; \
         use fewer or shallower trees"
    )]
    ScoreParts {
        /// Nodes, ranges, and tables by sixteen codes.
        found: usize,
        /// The most.
        limit: usize,
    },
    /// A percentile outside 0 to 1.
    #[error("percentile {0} millionths: expected 0 to 1000000")]
    Percentile(u32),
    /// The predicate is not in normal form.
    #[error("a predicate is not in normal form")]
    NotNormal,
    /// Conditions of too many parts.
    #[error("conditions of {found} parts together: at most {limit} are compiled; ask in several queries")]
    Parts {
        /// Junctions and ranges of codes.
        found: usize,
        /// The most.
        limit: usize,
    },
    /// Classes of too many parts for so many groups.
    #[error(
        "the classes of a grouping key would be compared {0} times over all groups: at most {MAX_COMPARISONS} are; \
         use fewer classes, or fewer groups"
    )]
    Comparisons(u64),
    /// Many classes that may take the same row.
    #[error(
        "a grouping key of {0} classes that overlap: from {MAX_OVERLAPPING} on, no two may take the same row"
    )]
    Overlapping(usize),
    /// A name or label that cannot be shown.
    #[error("a name or label is longer than {MAX_LABEL} characters, or has control characters")]
    Label,
}
