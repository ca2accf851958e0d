//! Values of single cells: exact decimals for as long as they fit, floating-point numbers beyond.

use std::cmp::Ordering;

use serde_json::Value;

use crate::{
    answer::{AnswerColumn, AnswerType},
    schema::decimal,
};

/// The most decimal places that a number is kept exactly with; what Arrow's decimals hold.
pub(super) const MAX_SCALE: u8 = 38;
/// The longest text of a number.
const MAX_DIGITS: usize = 64;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Boolean(bool),
    Text(String),
    Exact(Exact),
    /// Finite: what is not becomes NULL.
    Float(f64),
}

/// `mantissa * 10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exact {
    pub(super) mantissa: i128,
    pub(super) scale: u8,
}

impl Exact {
    pub(super) const fn integer(value: i64) -> Self {
        Self { mantissa: value as i128, scale: 0 }
    }

    /// Reads a decimal number; `None` when it does not fit, or is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (sign, unsigned) = match mantissa.as_bytes().first()? {
            b'-' => (-1, &mantissa[1..]),
            b'+' => (1, &mantissa[1..]),
            _ => (1, mantissa),
        };
        let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = [whole, part].concat();
        if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let size: i128 = digits.parse().ok()?;
        let places = i16::try_from(part.len()).ok()?.checked_sub(exponent)?;
        if places >= 0 {
            let scale = u8::try_from(places).ok().filter(|scale| *scale <= MAX_SCALE)?;
            return Some(Self { mantissa: sign * size, scale });
        }
        let raised = size.checked_mul(power(places.unsigned_abs())?)?;
        Some(Self { mantissa: sign * raised, scale: 0 })
    }

    /// The same number with more decimal places, if it fits.
    pub(super) fn with_scale(self, scale: u8) -> Option<i128> {
        self.mantissa.checked_mul(power(u16::from(scale.checked_sub(self.scale)?))?)
    }

    pub(super) fn as_f64(self) -> f64 {
        // Read by the parser of floats, which rounds once.
        decimal(self.mantissa, self.scale).parse().unwrap_or(0.0)
    }

    /// Both mantissas with the same number of places, if they fit.
    fn aligned(self, other: Self) -> Option<(i128, i128, u8)> {
        let scale = self.scale.max(other.scale);
        Some((self.with_scale(scale)?, other.with_scale(scale)?, scale))
    }
}

fn power(exponent: u16) -> Option<i128> {
    10i128.checked_pow(u32::from(exponent))
}

impl Scalar {
    /// A cell of an answer; `None` when it is not of its column's type.
    pub(super) fn of_cell(column: &AnswerColumn, cell: &Value) -> Option<Self> {
        Some(match (column.kind, cell) {
            (_, Value::Null) => Self::Null,
            (AnswerType::Integer, Value::Number(number)) => Self::Exact(Exact::integer(number.as_i64()?)),
            (AnswerType::Decimal, Value::String(text)) => Self::Exact(Exact::parse(text)?),
            (AnswerType::Float, Value::Number(number)) => Self::float(number.as_f64()?),
            (AnswerType::Boolean, Value::Bool(truth)) => Self::Boolean(*truth),
            (AnswerType::Label | AnswerType::Date, Value::String(text)) => Self::Text(text.clone()),
            _ => return None,
        })
    }

    /// A number as it is written; `None` when it is none.
    pub(super) fn number(text: &str) -> Option<Self> {
        let float = || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Self::Float);
        let shaped = text.len() <= 2 * MAX_DIGITS && text.bytes().any(|b| b.is_ascii_digit());
        shaped.then(|| Exact::parse(text).map(Self::Exact).or_else(float)).flatten()
    }

    pub(super) fn float(value: f64) -> Self {
        if value.is_finite() { Self::Float(value) } else { Self::Null }
    }

    /// As a floating-point number, if it is a number.
    pub(super) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Exact(exact) => Some(exact.as_f64()),
            Self::Float(float) => Some(*float),
            Self::Null | Self::Boolean(_) | Self::Text(_) => None,
        }
    }

    pub(super) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Exact(exact) => match exact.mantissa.checked_neg() {
                Some(mantissa) => Self::Exact(Exact { mantissa, ..exact }),
                None => Self::float(-exact.as_f64()),
            },
            Self::Float(float) => Self::Float(-float),
            _ => Self::Null,
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        self.exactly(other, |a, b| {
            let (one, other, scale) = a.aligned(b)?;
            Some(Exact { mantissa: one.checked_add(other)?, scale })
        })
        .unwrap_or_else(|| self.roughly(other, |a, b| a + b))
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        self.exactly(other, |a, b| {
            let scale = a.scale.checked_add(b.scale).filter(|scale| *scale <= MAX_SCALE)?;
            Some(Exact { mantissa: a.mantissa.checked_mul(b.mantissa)?, scale })
        })
        .unwrap_or_else(|| self.roughly(other, |a, b| a * b))
    }

    /// NULL when the divisor is 0.
    pub(super) fn divided_by(&self, other: &Self) -> Self {
        if let (Self::Exact(a), Self::Exact(b)) = (self, other)
            && let Some((one, other, _)) = a.aligned(*b)
        {
            return Self::float(one as f64 / other as f64);
        }
        self.roughly(other, |a, b| a / b)
    }

    fn exactly(&self, other: &Self, of: impl Fn(Exact, Exact) -> Option<Exact>) -> Option<Self> {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => of(*a, *b).map(Self::Exact),
            _ => None,
        }
    }

    fn roughly(&self, other: &Self, of: impl Fn(f64, f64) -> f64) -> Self {
        match (self.as_f64(), other.as_f64()) {
            (Some(a), Some(b)) => Self::float(of(a, b)),
            _ => Self::Null,
        }
    }

    /// How two values of one type compare; `None` when one is NULL.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(texts(a, b)),
            (Self::Exact(a), Self::Exact(b)) => match a.aligned(*b) {
                Some((one, other, _)) => Some(one.cmp(&other)),
                None => a.as_f64().partial_cmp(&b.as_f64()),
            },
            _ => self.as_f64()?.partial_cmp(&other.as_f64()?),
        }
    }
}

/// Texts by their characters, but buckets (`low..high`) by their lower ends, before all others.
fn texts(a: &str, b: &str) -> Ordering {
    let (low_a, low_b) = (bucket(a), bucket(b));
    let by_low = match (low_a, low_b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    by_low.then_with(|| a.cmp(b))
}

fn bucket(text: &str) -> Option<f64> {
    let (low, high) = text.split_once("..")?;
    let low = Exact::parse(low)?;
    Exact::parse(high).map(|_| low.as_f64())
}
