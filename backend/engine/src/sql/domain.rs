//! The values of a dimension, as DataFusion sees them, each with its code. They are public, so an
//! expression over a dimension can simply be computed for all of them.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
};
use datafusion::arrow::datatypes::DataType;
use sordino_protocol::schema::{self, Column, Domain, ORDERS};

use super::{constant, context, error::SqlError};

/// The most values of a dimension that are looked at one by one.
pub(super) const MAX_VALUES: u64 = 1 << 16;

/// Values of a dimension, null last if it may be null.
pub(super) struct Values {
    pub(super) array: ArrayRef,
    /// The code of each; all codes occur, in order.
    pub(super) codes: Vec<u32>,
}

/// Number of values of a dimension: what its buckets can tell apart is counted one by one.
pub(super) fn count(column: &Column) -> u64 {
    let Some(domain) = &column.dimension else { return 0 };
    let last = domain.size().saturating_sub(1);
    let values = match (domain.interval(0), domain.interval(last)) {
        _ if domain.is_exact() && !matches!(domain, Domain::Buckets { .. }) => u64::from(domain.size()),
        (Some((low, _)), Some((_, high))) => high.abs_diff(low).saturating_mul(unit(column).unsigned_abs()),
        _ => u64::from(domain.size()),
    };
    values + u64::from(column.nullable)
}

/// Decimal places of the column's values: those of its edges, and those that its sums keep.
fn places(column: &Column) -> u8 {
    match context::data_type(column) {
        Some(DataType::Decimal128(_, scale)) => u8::try_from(scale).unwrap_or(0),
        _ => 0,
    }
}

/// How many of the column's smallest units an edge of its domain counts.
fn unit(column: &Column) -> i64 {
    let own = match &column.dimension {
        Some(Domain::Buckets { scale, .. }) => *scale,
        Some(Domain::Integer { .. }) => 0,
        _ => return 1,
    };
    10i64.pow(u32::from(places(column).saturating_sub(own)))
}

/// Whether every code of a dimension is one value of its column. A column that is a finer measure, too,
/// has several.
pub(super) fn is_exact(column: &Column) -> bool {
    let single = matches!(column.dimension, Some(Domain::Integer { .. })) || unit(column) == 1;
    single && column.dimension.as_ref().is_some_and(Domain::is_exact)
}

/// All values.
pub(super) fn all(column: &Column) -> Option<Values> {
    let unit = unit(column);
    of(column, |low, high| match column.dimension {
        Some(Domain::Integer { .. }) => vec![low.saturating_mul(unit)],
        _ => (low.saturating_mul(unit)..high.saturating_mul(unit)).collect(),
    })
}

/// The first and the last value of every code: enough to judge what is monotone.
pub(super) fn ends(column: &Column) -> Option<Values> {
    let unit = unit(column);
    of(column, |low, high| {
        let (first, last) = match column.dimension {
            Some(Domain::Integer { .. }) => (low.saturating_mul(unit), low.saturating_mul(unit)),
            _ => (low.saturating_mul(unit), high.saturating_mul(unit) - 1),
        };
        if first == last { vec![first] } else { vec![first, last] }
    })
}

fn of(column: &Column, within: impl Fn(i64, i64) -> Vec<i64>) -> Option<Values> {
    let domain = column.dimension.as_ref()?;
    let mut codes = Vec::new();
    let mut integers = Vec::new();
    for code in 0..domain.size() {
        match domain.interval(code) {
            Some((low, high)) => {
                let values = within(low, high);
                codes.resize(codes.len() + values.len(), code);
                integers.extend(values.into_iter().map(Some));
            }
            None => codes.push(code),
        }
    }
    if let Some(null) = column.null_code() {
        codes.push(null);
        integers.push(None);
    }
    let null = column.nullable.then_some(None);
    let array: ArrayRef = match domain {
        Domain::Category { values } => {
            let texts = values.iter().map(|value| Some(value.as_str())).chain(null);
            Arc::new(texts.collect::<StringArray>())
        }
        Domain::Order { .. } => Arc::new(ORDERS.into_iter().map(Some).chain(null).collect::<StringArray>()),
        Domain::Boolean => Arc::new(
            [false, true]
                .into_iter()
                .map(Some)
                .chain(column.nullable.then_some(None))
                .collect::<BooleanArray>(),
        ),
        Domain::Date { .. } => {
            let days = integers.into_iter().map(|day| day.and_then(|day| i32::try_from(day).ok()));
            Arc::new(days.collect::<Date32Array>())
        }
        Domain::Integer { .. } | Domain::Buckets { .. } => match context::data_type(column)? {
            DataType::Decimal128(precision, scale) => {
                let numbers = integers.into_iter().map(|n| n.map(i128::from)).collect::<Decimal128Array>();
                Arc::new(numbers.with_precision_and_scale(precision, scale).ok()?)
            }
            _ => Arc::new(integers.into_iter().collect::<Int64Array>()),
        },
    };
    Some(Values { array, codes })
}

/// The refusal of an expression that is not the same for all values of a code.
pub(super) fn cut(column: &Column, code: u32, fragment: String) -> SqlError {
    let name = &column.name;
    let (low, high) = column.dimension.as_ref().and_then(|domain| domain.interval(code)).unwrap_or_default();
    let edge = |edge: i64| match &column.dimension {
        Some(Domain::Buckets { scale, .. }) => schema::decimal(edge, *scale),
        Some(Domain::Date { .. }) => format!("DATE '{}'", constant::date(edge)),
        _ => edge.to_string(),
    };
    let (low, high) = (edge(low), edge(high));
    let reason =
        format!("`{name}` is published in buckets, and this would cut the one from {low} up to {high}");
    let hint = format!("compare with its edges: {name} >= {low}, {name} < {high}");
    SqlError::unsupported(fragment, reason, &hint)
}
