//! What the buyer's client does with an opened answer, in words.

use sordino_protocol::presentation::{BinaryOperator, PostExpression, UnaryOperator};

use crate::sql::Bound;

/// A line for every step.
pub(super) fn lines(bound: &Bound) -> Vec<String> {
    let presentation = &bound.presentation;
    let mut lines = Vec::new();
    for column in &presentation.columns {
        lines.push(format!("show {} = {}", column.name, words(bound, &column.expression)));
    }
    if let Some(having) = &presentation.having {
        lines.push(format!("keep groups where {}", words(bound, having)));
    }
    for key in &presentation.order {
        let direction = if key.descending { "descending" } else { "ascending" };
        let nulls = if key.nulls_first { "first" } else { "last" };
        lines.push(format!("sort by {}, {direction}, null {nulls}", words(bound, &key.expression)));
    }
    if presentation.order.is_empty() && !bound.query.groups.is_empty() {
        lines.push(
            "groups come in the order of their keys; every group of the public domain is answered".to_owned(),
        );
    }
    if presentation.offset > 0 {
        lines.push(format!("leave out the first {}", presentation.offset));
    }
    if let Some(limit) = presentation.limit {
        lines.push(format!("show at most {limit}"));
    }
    lines
}

fn words(bound: &Bound, expression: &PostExpression) -> String {
    match expression {
        PostExpression::Output(index) => bound
            .query
            .outputs
            .get(usize::from(*index))
            .map_or_else(|| format!("output {index}"), |output| output.name.clone()),
        PostExpression::Null => "NULL".to_owned(),
        PostExpression::Boolean(b) => b.to_string(),
        PostExpression::Text(text) => format!("'{text}'"),
        PostExpression::Number(digits) => digits.clone(),
        PostExpression::Unary { operator, of } => {
            let of = words(bound, of);
            match operator {
                UnaryOperator::Not => format!("NOT ({of})"),
                UnaryOperator::Negate => format!("-({of})"),
                UnaryOperator::IsNull => format!("({of}) IS NULL"),
                UnaryOperator::IsNotNull => format!("({of}) IS NOT NULL"),
            }
        }
        PostExpression::Binary { operator, left, right } => {
            let word = match operator {
                BinaryOperator::Add => "+",
                BinaryOperator::Subtract => "-",
                BinaryOperator::Multiply => "*",
                BinaryOperator::Divide => "/",
                BinaryOperator::Equal => "=",
                BinaryOperator::NotEqual => "<>",
                BinaryOperator::Less => "<",
                BinaryOperator::LessOrEqual => "<=",
                BinaryOperator::Greater => ">",
                BinaryOperator::GreaterOrEqual => ">=",
                BinaryOperator::And => "AND",
                BinaryOperator::Or => "OR",
            };
            let side = |side: &PostExpression| match side {
                PostExpression::Binary { .. } => format!("({})", words(bound, side)),
                other => words(bound, other),
            };
            format!("{} {word} {}", side(left), side(right))
        }
    }
}
