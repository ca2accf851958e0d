//! Whether a presentation belongs to an answer: references, types and limits. It comes from the platform
//! and is checked before it is used.

use super::{BinaryOperator, MAX_NESTING, MAX_SHOWN, PostExpression, Presentation, UnaryOperator, scalar};
use crate::answer::{AnswerColumn, AnswerType};

/// Why an answer cannot be presented so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresentationError {
    /// Nothing to show, or too much.
    #[error("{0} columns or sort keys: expected 1 to {MAX_SHOWN} columns, and at most {MAX_SHOWN} sort keys")]
    Size(usize),
    /// An output that the query does not have.
    #[error("output {output} is shown, but the query has {outputs} (counted from 0)")]
    UnknownOutput {
        /// As named.
        output: u16,
        /// How many there are.
        outputs: usize,
    },
    /// An expression that is nested too deeply.
    #[error("an expression is nested more than {MAX_NESTING} deep")]
    Nesting,
    /// A text that is no number.
    #[error("`{0}` is not a number")]
    Number(String),
    /// An operation on values that it is not for.
    #[error("{operation} is for {expected}, not for {found}")]
    Type {
        /// Which operation.
        operation: &'static str,
        /// What it is for.
        expected: &'static str,
        /// What it got.
        found: &'static str,
    },
    /// A cell of the answer that is not of its column's type.
    #[error("row {row} of the answer: `{column}` is not of its type")]
    Cell {
        /// Which row, from 0.
        row: usize,
        /// Which column.
        column: String,
    },
}

/// The type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// NULL, which is of every type.
    Null,
    Boolean,
    Text,
    /// With so many decimal places, or in floating point.
    Number(Option<u8>),
}

impl Presentation {
    /// Checks that it can be applied to an answer with these columns.
    ///
    /// # Errors
    /// The first problem found.
    pub fn check(&self, columns: &[AnswerColumn]) -> Result<(), PresentationError> {
        let size = self.columns.len().max(self.order.len());
        if self.columns.is_empty() || size > MAX_SHOWN {
            return Err(PresentationError::Size(size));
        }
        for shown in &self.columns {
            shown.expression.kind(columns)?;
        }
        for key in &self.order {
            key.expression.kind(columns)?;
        }
        match &self.having {
            Some(having) => expect("HAVING", &[having.kind(columns)?], Kind::Boolean),
            None => Ok(()),
        }
    }
}

impl PostExpression {
    pub(super) fn kind(&self, columns: &[AnswerColumn]) -> Result<Kind, PresentationError> {
        self.kind_at(columns, 0)
    }

    fn kind_at(&self, columns: &[AnswerColumn], depth: usize) -> Result<Kind, PresentationError> {
        if depth > MAX_NESTING {
            return Err(PresentationError::Nesting);
        }
        match self {
            Self::Output(output) => {
                let unknown = || PresentationError::UnknownOutput { output: *output, outputs: columns.len() };
                columns.get(usize::from(*output)).map(of_column).ok_or_else(unknown)
            }
            Self::Null => Ok(Kind::Null),
            Self::Boolean(_) => Ok(Kind::Boolean),
            Self::Text(_) => Ok(Kind::Text),
            Self::Number(text) => match scalar::Scalar::number(text) {
                Some(scalar::Scalar::Exact(exact)) => Ok(Kind::Number(Some(exact.scale))),
                Some(_) => Ok(Kind::Number(None)),
                None => Err(PresentationError::Number(text.chars().take(40).collect())),
            },
            Self::Unary { operator, of } => unary(*operator, of.kind_at(columns, depth + 1)?),
            Self::Binary { operator, left, right } => {
                binary(*operator, left.kind_at(columns, depth + 1)?, right.kind_at(columns, depth + 1)?)
            }
        }
    }

    /// The outputs that it is made of, in order, each as often as it occurs.
    pub fn outputs(&self) -> Vec<u16> {
        match self {
            Self::Output(output) => vec![*output],
            Self::Null | Self::Boolean(_) | Self::Text(_) | Self::Number(_) => Vec::new(),
            Self::Unary { of, .. } => of.outputs(),
            Self::Binary { left, right, .. } => [left.outputs(), right.outputs()].concat(),
        }
    }
}

const fn of_column(column: &AnswerColumn) -> Kind {
    match column.kind {
        AnswerType::Label | AnswerType::Date => Kind::Text,
        AnswerType::Integer => Kind::Number(Some(0)),
        AnswerType::Decimal if column.scale <= scalar::MAX_SCALE => Kind::Number(Some(column.scale)),
        AnswerType::Decimal | AnswerType::Float => Kind::Number(None),
        AnswerType::Boolean => Kind::Boolean,
    }
}

fn unary(operator: UnaryOperator, of: Kind) -> Result<Kind, PresentationError> {
    match operator {
        UnaryOperator::Not => expect("NOT", &[of], Kind::Boolean).map(|()| Kind::Boolean),
        UnaryOperator::Negate => {
            expect("minus", &[of], Kind::Number(None))?;
            Ok(if of == Kind::Null { Kind::Number(Some(0)) } else { of })
        }
        UnaryOperator::IsNull | UnaryOperator::IsNotNull => Ok(Kind::Boolean),
    }
}

fn binary(operator: BinaryOperator, left: Kind, right: Kind) -> Result<Kind, PresentationError> {
    use BinaryOperator as B;
    let scales = match (left, right) {
        (Kind::Number(None), _) | (_, Kind::Number(None)) => None,
        _ => Some((places(left), places(right))),
    };
    match operator {
        B::Add | B::Subtract => {
            expect("adding", &[left, right], Kind::Number(None))?;
            Ok(Kind::Number(scales.map(|(one, other)| one.max(other))))
        }
        B::Multiply => {
            expect("multiplying", &[left, right], Kind::Number(None))?;
            let sum = scales.and_then(|(one, other)| one.checked_add(other));
            Ok(Kind::Number(sum.filter(|scale| *scale <= scalar::MAX_SCALE)))
        }
        B::Divide => expect("dividing", &[left, right], Kind::Number(None)).map(|()| Kind::Number(None)),
        B::And | B::Or => {
            expect("AND and OR", &[left, right], Kind::Boolean)?;
            Ok(Kind::Boolean)
        }
        B::Equal | B::NotEqual | B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
            if left != Kind::Null && right != Kind::Null && name(left) != name(right) {
                let (expected, found) = (name(left), name(right));
                return Err(PresentationError::Type { operation: "this comparison", expected, found });
            }
            Ok(Kind::Boolean)
        }
    }
}

const fn places(kind: Kind) -> u8 {
    match kind {
        Kind::Number(Some(scale)) => scale,
        _ => 0,
    }
}

fn expect(operation: &'static str, found: &[Kind], expected: Kind) -> Result<(), PresentationError> {
    let wrong = |kind: &&Kind| **kind != Kind::Null && name(**kind) != name(expected);
    match found.iter().find(wrong) {
        Some(kind) => {
            Err(PresentationError::Type { operation, expected: name(expected), found: name(*kind) })
        }
        None => Ok(()),
    }
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "NULL",
        Kind::Boolean => "booleans",
        Kind::Text => "texts",
        Kind::Number(_) => "numbers",
    }
}
