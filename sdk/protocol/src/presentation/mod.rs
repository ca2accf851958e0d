//! What the buyer's own machine does with an opened answer: expressions over aggregates, HAVING, ORDER
//! BY, OFFSET and LIMIT.
//!
//! None of it changes what is computed under encryption, released or paid for, so it is no part of the
//! query and of its digest: all groups of the public domain are answered, and the client shows some.

use serde::{Deserialize, Serialize};

mod apply;
mod check;
mod evaluate;
mod scalar;

#[cfg(test)]
mod tests;

pub use apply::{Table, apply};
pub use check::PresentationError;

/// The most columns that are shown, and the most keys that rows are sorted by.
pub const MAX_SHOWN: usize = 256;
/// The deepest nesting of an expression.
pub const MAX_NESTING: usize = 64;

/// How the outputs of a query become the rows that its SQL asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presentation {
    /// The columns that are shown, in order.
    pub columns: Vec<Shown>,
    /// Only rows for which this is true are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub having: Option<PostExpression>,
    /// What the rows are sorted by, the most significant first; without it they keep their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<SortKey>,
    /// Rows left out at the start.
    #[serde(default)]
    pub offset: u64,
    /// The most rows that are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// A column that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub expression: PostExpression,
}

/// A key that rows are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortKey {
    /// What is compared.
    pub expression: PostExpression,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Whether NULL comes before everything else.
    pub nulls_first: bool,
}

/// An expression over the outputs of a query, with SQL's three-valued logic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PostExpression {
    /// Output number so many of the query.
    Output(u16),
    /// NULL.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A text, or a date as YYYY-MM-DD.
    Text(String),
    /// A number as it is written in decimal.
    Number(String),
    /// An operation on one operand.
    Unary {
        /// Which.
        operator: UnaryOperator,
        /// Its operand.
        of: Box<PostExpression>,
    },
    /// An operation on two operands.
    Binary {
        /// Which.
        operator: BinaryOperator,
        /// The left operand.
        left: Box<PostExpression>,
        /// The right operand.
        right: Box<PostExpression>,
    },
}

/// Operations on one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnaryOperator {
    /// NOT.
    Not,
    /// Minus.
    Negate,
    /// IS NULL.
    IsNull,
    /// IS NOT NULL.
    IsNotNull,
}

/// Operations on two operands. A division is never of integers: it gives fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`; NULL when the divisor is 0.
    Divide,
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// AND
    And,
    /// OR
    Or,
}

impl Presentation {
    /// The outputs as they are.
    pub fn plain(names: impl IntoIterator<Item = String>) -> Self {
        let columns = names
            .into_iter()
            .enumerate()
            .map(|(index, name)| Shown {
                name,
                expression: PostExpression::Output(u16::try_from(index).unwrap_or(u16::MAX)),
            })
            .collect();
        Self { columns, ..Self::default() }
    }
}
