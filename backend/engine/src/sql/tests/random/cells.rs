//! Cells of both answers in one form.

use ::datafusion::common::ScalarValue;
use serde_json::Value;
use sordino_protocol::answer::AnswerType;

use crate::sql::constant::{self, Constant};

/// A cell; floats are compared with a tolerance.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Exact(Constant),
    Float(f64),
}

/// A cell of DataFusion.
pub(super) fn of_scalar(scalar: &ScalarValue) -> Cell {
    match scalar {
        // A statistic that is not defined.
        ScalarValue::Float64(Some(x)) if x.is_nan() => Cell::Exact(Constant::Null),
        ScalarValue::Float64(Some(x)) => Cell::Float(*x),
        other => Cell::Exact(constant::read(other).unwrap_or_else(|| panic!("a cell {other:?}")).normal()),
    }
}

/// A cell of an answer.
pub(super) fn of_json(value: &Value, kind: AnswerType) -> Cell {
    let number = |text: &str| {
        let (mantissa, places) = text.split_once('.').unwrap_or((text, ""));
        let mantissa = [mantissa, places].concat().parse().expect("digits");
        Cell::Exact(Constant::Number { mantissa, scale: i32::try_from(places.len()).expect("few") }.normal())
    };
    match (value, kind) {
        (Value::Null, _) => Cell::Exact(Constant::Null),
        (Value::Bool(b), _) => Cell::Exact(Constant::Boolean(*b)),
        (Value::Number(n), AnswerType::Float) => Cell::Float(n.as_f64().expect("a float")),
        (Value::Number(n), _) => number(&n.to_string()),
        (Value::String(text), AnswerType::Decimal) => number(text),
        (Value::String(text), AnswerType::Date) => {
            let date: chrono::NaiveDate = text.parse().expect("a date");
            Cell::Exact(Constant::Date(sordino_protocol::schema::days(date)))
        }
        (Value::String(text), _) => Cell::Exact(Constant::Text(text.clone())),
        (other, _) => panic!("a cell {other}"),
    }
}

impl Cell {
    fn float(&self) -> Option<f64> {
        match self {
            Self::Float(x) => Some(*x),
            Self::Exact(number @ Constant::Number { .. }) => number.digits().parse().ok(),
            Self::Exact(_) => None,
        }
    }

    pub(super) const fn is_null(&self) -> bool {
        matches!(self, Self::Exact(Constant::Null))
    }

    pub(super) fn is_close(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => a == b,
            (a, b) => match (a.float(), b.float()) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-6 + 1e-7 * a.abs().max(b.abs()),
                _ => false,
            },
        }
    }

    /// As part of a key.
    pub(super) fn key(&self) -> String {
        match (self, self.float()) {
            (_, Some(x)) => format!("{x}"),
            (Self::Exact(constant), None) => format!("{constant:?}"),
            (Self::Float(x), None) => x.to_string(),
        }
    }
}
