//! Constants of SQL as exact values.

use datafusion::common::ScalarValue;
use sordino_protocol::schema;

/// A constant that a column is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    /// No value: every comparison with it is unknown.
    Null,
    /// A text.
    Text(String),
    /// A boolean.
    Boolean(bool),
    /// `mantissa * 10^-scale`.
    Number {
        /// Its digits.
        mantissa: i128,
        /// Its decimal places; may be negative.
        scale: i32,
    },
    /// Days since 1970-01-01.
    Date(i64),
}

/// A number in units of a column: the next integer below, and whether it is that integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InUnits {
    /// Rounded towards minus infinity; cut to a range beyond every domain.
    pub(super) floor: i128,
    /// Whether nothing was rounded.
    pub(super) exact: bool,
}

/// Beyond every published value: within +-2^53 in its own units, and of up to 12 more places.
const BEYOND: i128 = 1 << 100;

/// The text inside a constant.
pub(super) fn text(value: &ScalarValue) -> Option<&String> {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => text.as_ref(),
        _ => None,
    }
}

/// Reads a constant; `None` for a type that no column has.
pub(super) fn read(value: &ScalarValue) -> Option<Constant> {
    let integer = |mantissa: i128| Some(Constant::Number { mantissa, scale: 0 });
    if value.is_null() {
        return Some(Constant::Null);
    }
    match value {
        ScalarValue::Utf8(_) | ScalarValue::LargeUtf8(_) | ScalarValue::Utf8View(_) => {
            text(value).cloned().map(Constant::Text)
        }
        ScalarValue::Boolean(Some(b)) => Some(Constant::Boolean(*b)),
        ScalarValue::Int8(Some(n)) => integer(i128::from(*n)),
        ScalarValue::Int16(Some(n)) => integer(i128::from(*n)),
        ScalarValue::Int32(Some(n)) => integer(i128::from(*n)),
        ScalarValue::Int64(Some(n)) => integer(i128::from(*n)),
        ScalarValue::UInt8(Some(n)) => integer(i128::from(*n)),
        ScalarValue::UInt16(Some(n)) => integer(i128::from(*n)),
        ScalarValue::UInt32(Some(n)) => integer(i128::from(*n)),
        ScalarValue::UInt64(Some(n)) => integer(i128::from(*n)),
        ScalarValue::Decimal32(Some(n), _, scale) => number(i128::from(*n), *scale),
        ScalarValue::Decimal64(Some(n), _, scale) => number(i128::from(*n), *scale),
        ScalarValue::Decimal128(Some(n), _, scale) => number(*n, *scale),
        ScalarValue::Decimal256(Some(n), _, scale) => match n.to_i128() {
            Some(mantissa) => number(mantissa, *scale),
            None => of_digits(&n.to_string(), -i32::from(*scale)),
        },
        ScalarValue::Float16(Some(x)) => float(f64::from(*x)),
        ScalarValue::Float32(Some(x)) => of_digits(&x.to_string(), 0),
        ScalarValue::Float64(Some(x)) => float(*x),
        ScalarValue::Date32(Some(days)) => Some(Constant::Date(i64::from(*days))),
        _ => None,
    }
}

fn number(mantissa: i128, scale: i8) -> Option<Constant> {
    Some(Constant::Number { mantissa, scale: i32::from(scale) })
}

/// A float means the shortest decimal number that reads back as it.
fn float(value: f64) -> Option<Constant> {
    value.is_finite().then(|| of_digits(&value.to_string(), 0)).flatten()
}

/// A decimal number times `10^exponent`; digits beyond 38 do not matter for domains within 2^53.
fn of_digits(text: &str, exponent: i32) -> Option<Constant> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits: String = [whole, part].concat();
    let digits = digits.trim_start_matches('0');
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (kept, dropped) = digits.split_at(digits.len().min(37));
    let kept: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    // A dropped digit must still make the number differ from what was kept.
    let sticky = i128::from(dropped.bytes().any(|b| b != b'0'));
    let magnitude = kept.checked_mul(10)?.checked_add(sticky)?;
    let scale = i32::try_from(part.len()).ok()? - i32::try_from(dropped.len()).ok()? + 1 - exponent;
    Some(Constant::Number { mantissa: if negative { -magnitude } else { magnitude }, scale })
}

/// `mantissa * 10^-scale` in units of `10^-units`.
pub(super) fn in_units(mantissa: i128, scale: i32, units: u8) -> InUnits {
    let shift = i32::from(units) - scale;
    let (floor, exact) = if shift >= 0 {
        let value = 10i128
            .checked_pow(shift.unsigned_abs())
            .and_then(|unit| mantissa.checked_mul(unit))
            .unwrap_or(if mantissa == 0 { 0 } else { mantissa.signum() * BEYOND });
        (value, true)
    } else {
        match 10i128.checked_pow(shift.unsigned_abs()) {
            Some(unit) => (mantissa.div_euclid(unit), mantissa.rem_euclid(unit) == 0),
            None => (if mantissa < 0 { -1 } else { 0 }, mantissa == 0),
        }
    };
    InUnits { floor: floor.clamp(-BEYOND, BEYOND), exact }
}

/// Days as they are written.
pub(super) fn date(days: i64) -> String {
    i32::try_from(days + 719_163)
        .ok()
        .and_then(chrono::NaiveDate::from_num_days_from_ce_opt)
        .map_or_else(|| days.to_string(), |date| format!("DATE '{date}'"))
}

/// Units of `10^-scale` as they are written.
pub(super) fn decimal(value: i64, scale: u8) -> String {
    schema::decimal(value, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(value: &ScalarValue, scale: u8) -> Option<(i128, bool)> {
        match read(value)? {
            Constant::Number { mantissa, scale: own } => {
                let found = in_units(mantissa, own, scale);
                Some((found.floor, found.exact))
            }
            _ => None,
        }
    }

    #[test]
    fn numbers_are_exact_in_the_units_of_a_column() {
        assert_eq!(units(&ScalarValue::Int64(Some(30)), 0), Some((30, true)));
        assert_eq!(units(&ScalarValue::Int64(Some(30)), 2), Some((3000, true)));
        assert_eq!(units(&ScalarValue::Decimal128(Some(295), 3, 1), 0), Some((29, false)));
        assert_eq!(units(&ScalarValue::Decimal128(Some(-295), 3, 1), 0), Some((-30, false)));
        assert_eq!(units(&ScalarValue::Decimal128(Some(290), 3, 1), 0), Some((29, true)));
        assert_eq!(units(&ScalarValue::Float64(Some(0.1)), 1), Some((1, true)));
        assert_eq!(units(&ScalarValue::Float64(Some(-0.25)), 1), Some((-3, false)));
        assert_eq!(units(&ScalarValue::Float64(Some(1e300)), 2), Some((BEYOND, true)));
        assert_eq!(units(&ScalarValue::Float64(Some(1e-300)), 2), Some((0, false)));
        assert_eq!(units(&ScalarValue::Float64(Some(f64::NAN)), 2), None);
        assert_eq!(units(&ScalarValue::UInt64(Some(u64::MAX)), 12), Some((BEYOND, true)));
    }
}
