//! What the outputs of a query show: groups, and statistics of the rows of a group.

use serde::{Deserialize, Serialize};

use super::value::Value;
use crate::{predicate::Predicate, schema::ColumnId};

/// One column of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The alias, or a name made from the expression.
    pub name: String,
    /// What it shows.
    pub expression: Expression,
}

/// What an output shows. FILTER and NULL are resolved in predicates and values: a statistic is of the
/// rows for which its predicate holds, or that have its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expression {
    /// The group's class of grouping key number so many.
    Group(u16),
    /// How many rows satisfy a predicate.
    Count(Predicate),
    /// How many rows have a score within a band.
    Band {
        /// Which of the query's scores.
        score: u16,
        /// The lowest score that is counted.
        from: i64,
        /// The first that is not.
        to: i64,
        /// Among which rows.
        when: Predicate,
    },
    /// The sum of a value.
    Sum(Value),
    /// The mean of a value.
    Average(Value),
    /// How far a value spreads.
    Spread {
        /// Which measure of it.
        statistic: Spread,
        /// Of what.
        value: Value,
    },
    /// How two values go together, over the rows that have both.
    Pair {
        /// Which measure of it.
        statistic: Pair,
        /// The dependent value.
        y: Value,
        /// The independent value.
        x: Value,
    },
    /// How many codes of a dimension occur, null not counted.
    Distinct {
        /// The dimension.
        column: ColumnId,
        /// Among which rows.
        when: Predicate,
    },
    /// The value of a dimension at a rank, nulls left out.
    Quantile {
        /// Which rank.
        rank: Rank,
        /// The dimension; its codes are in the order of their values.
        column: ColumnId,
        /// Among which rows.
        when: Predicate,
    },
}

/// Variance and standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// VAR_POP.
    VariancePopulation,
    /// VAR_SAMP.
    VarianceSample,
    /// STDDEV_POP.
    DeviationPopulation,
    /// STDDEV_SAMP.
    DeviationSample,
}

/// Statistics of pairs, as SQL defines them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pair {
    /// COVAR_POP.
    CovariancePopulation,
    /// COVAR_SAMP.
    CovarianceSample,
    /// CORR.
    Correlation,
    /// REGR_SLOPE.
    Slope,
    /// REGR_INTERCEPT.
    Intercept,
    /// REGR_R2.
    R2,
}

/// A rank among sorted values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// MIN.
    Lowest,
    /// MAX.
    Highest,
    /// MEDIAN: halfway between the two middle values when their number is even.
    Median,
    /// The smallest value that this many millionths of the values do not exceed.
    Percentile(u32),
}
