//! One cell of an answer, from the released integers of its group.

use serde_json::Value;

use super::{
    AnswerColumn, AnswerGroup, AnswerType,
    statistics::{self, Moments, PairSums},
};
use crate::{
    query::{Expression, Query},
    schema::{ColumnId, Schema, decimal},
};

/// The cell of an output that is made of the released values at `positions`.
pub(super) fn cell(
    schema: &Schema,
    query: &Query,
    column: &AnswerColumn,
    group: &AnswerGroup,
    expression: &Expression,
    positions: &[usize],
) -> Value {
    let at = |index: usize| -> Option<i64> {
        group.values.as_ref()?.get(*positions.get(index)?).copied().flatten()
    };
    let found = match expression {
        Expression::Group(key) => key_label(schema, query, column, group, usize::from(*key)),
        Expression::Count(_) | Expression::Band { .. } | Expression::Distinct { .. } => {
            at(0).map(Value::from)
        }
        // SQL: the sum and the average of no values are NULL.
        Expression::Sum(value) => {
            at(0).filter(|count| *count != 0).and(at(1)).map(|sum| number(sum, value.scale))
        }
        Expression::Average(value) => match (at(0), at(1)) {
            (Some(count), Some(sum)) if count > 0 => float(sum as f64 / count as f64 * unit(value.scale)),
            _ => None,
        },
        Expression::Spread { statistic, value } => {
            at(0).zip(at(1)).zip(at(2)).and_then(|((count, sum), squares)| {
                float(statistics::spread(*statistic, Moments { count, sum, squares }, unit(value.scale))?)
            })
        }
        Expression::Pair { statistic, y, x } => {
            let sums = || {
                let needed = |index: usize| if index < positions.len() { at(index) } else { Some(0) };
                Some(PairSums {
                    count: at(0)?,
                    y: at(1)?,
                    x: at(2)?,
                    xy: at(3)?,
                    xx: needed(4)?,
                    yy: needed(5)?,
                })
            };
            sums().and_then(|sums| float(statistics::pair(*statistic, sums, unit(y.scale), unit(x.scale))?))
        }
        Expression::Quantile { column: ranked, .. } => {
            at(0).and_then(|low| quantile(schema, column.kind, *ranked, low, at(1).unwrap_or(low)))
        }
    };
    found.unwrap_or(Value::Null)
}

fn unit(scale: u8) -> f64 {
    10f64.powi(-i32::from(scale))
}

fn number(value: i64, scale: u8) -> Value {
    if scale == 0 { Value::from(value) } else { Value::from(decimal(value, scale)) }
}

fn float(value: f64) -> Option<Value> {
    serde_json::Number::from_f64(value).map(Value::Number)
}

fn key_label(
    schema: &Schema,
    query: &Query,
    column: &AnswerColumn,
    group: &AnswerGroup,
    position: usize,
) -> Option<Value> {
    let label = query.groups.get(position)?.label(schema, *group.key.get(position)?)?;
    Some(typed(column.kind, label))
}

/// A label as a value of its column's type.
fn typed(kind: AnswerType, label: String) -> Value {
    match kind {
        AnswerType::Integer => label.parse::<i64>().map_or(Value::String(label), Value::from),
        AnswerType::Boolean => label.parse::<bool>().map_or(Value::String(label), Value::from),
        AnswerType::Float => label.parse::<f64>().ok().and_then(float).unwrap_or(Value::String(label)),
        AnswerType::Label | AnswerType::Decimal | AnswerType::Date => Value::String(label),
    }
}

/// The value between two codes; mostly they are the same.
fn quantile(schema: &Schema, kind: AnswerType, column: ColumnId, low: i64, high: i64) -> Option<Value> {
    let described = schema.column(column);
    let label = |code: i64| described.label(u32::try_from(code).ok()?);
    if kind == AnswerType::Float {
        let middle = |code: i64| label(code)?.parse::<f64>().ok();
        return float(f64::midpoint(middle(low)?, middle(high)?));
    }
    if kind == AnswerType::Label && low != high && described.dimension.as_ref()?.interval(0).is_some() {
        let (from, to) = (label(low)?, label(high)?);
        let from = from.split_once("..").map_or(from.as_str(), |(from, _)| from).to_owned();
        let to = to.split_once("..").map_or(to.as_str(), |(_, to)| to).to_owned();
        return Some(Value::String(format!("{from}..{to}")));
    }
    Some(typed(kind, label(low)?))
}
