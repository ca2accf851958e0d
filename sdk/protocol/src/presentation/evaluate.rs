//! Expressions over one row of outputs, with SQL's three-valued logic. The types were checked.

use std::cmp::Ordering;

use super::{BinaryOperator, PostExpression, UnaryOperator, scalar::Scalar};

impl PostExpression {
    /// Its value for a row of outputs.
    pub(super) fn value(&self, row: &[Scalar]) -> Scalar {
        match self {
            Self::Output(output) => row.get(usize::from(*output)).cloned().unwrap_or(Scalar::Null),
            Self::Null => Scalar::Null,
            Self::Boolean(truth) => Scalar::Boolean(*truth),
            Self::Text(text) => Scalar::Text(text.clone()),
            Self::Number(text) => Scalar::number(text).unwrap_or(Scalar::Null),
            Self::Unary { operator, of } => unary(*operator, of.value(row)),
            Self::Binary { operator, left, right } => binary(*operator, &left.value(row), &right.value(row)),
        }
    }
}

fn unary(operator: UnaryOperator, of: Scalar) -> Scalar {
    match operator {
        UnaryOperator::Not => truth(&of).map_or(Scalar::Null, |truth| Scalar::Boolean(!truth)),
        UnaryOperator::Negate => of.negated(),
        UnaryOperator::IsNull => Scalar::Boolean(of.is_null()),
        UnaryOperator::IsNotNull => Scalar::Boolean(!of.is_null()),
    }
}

fn binary(operator: BinaryOperator, left: &Scalar, right: &Scalar) -> Scalar {
    use BinaryOperator as B;
    let compared = |holds: fn(Ordering) -> bool| {
        left.compare(right).map_or(Scalar::Null, |order| Scalar::Boolean(holds(order)))
    };
    match operator {
        B::Add => left.plus(right),
        B::Subtract => left.plus(&right.clone().negated()),
        B::Multiply => left.times(right),
        B::Divide => left.divided_by(right),
        B::Equal => compared(Ordering::is_eq),
        B::NotEqual => compared(Ordering::is_ne),
        B::Less => compared(Ordering::is_lt),
        B::LessOrEqual => compared(Ordering::is_le),
        B::Greater => compared(Ordering::is_gt),
        B::GreaterOrEqual => compared(Ordering::is_ge),
        B::And => junction(truth(left), truth(right), false),
        B::Or => junction(truth(left), truth(right), true),
    }
}

/// AND and OR: one operand that is `decisive` decides, else NULL makes it NULL.
const fn junction(left: Option<bool>, right: Option<bool>, decisive: bool) -> Scalar {
    match (left, right) {
        (Some(one), _) | (_, Some(one)) if one == decisive => Scalar::Boolean(decisive),
        (Some(_), Some(other)) if other == decisive => Scalar::Boolean(decisive),
        (Some(_), Some(_)) => Scalar::Boolean(!decisive),
        _ => Scalar::Null,
    }
}

/// `None` is NULL.
pub(super) const fn truth(of: &Scalar) -> Option<bool> {
    match of {
        Scalar::Boolean(truth) => Some(*truth),
        _ => None,
    }
}
