//! Values of SQL, exactly.

use std::cmp::Ordering;

use datafusion::common::ScalarValue;
/// A constant of a text, or what an expression is for a code of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

impl Constant {
    /// Equal numbers become equal values: no zeros at the end.
    pub(super) fn normal(self) -> Self {
        let Self::Number { mut mantissa, mut scale } = self else { return self };
        if mantissa == 0 {
            return Self::Number { mantissa, scale: 0 };
        }
        while mantissa % 10 == 0 && scale > i32::MIN {
            (mantissa, scale) = (mantissa / 10, scale - 1);
        }
        Self::Number { mantissa, scale }
    }

    /// The order of values of one type, NULL last.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number { mantissa: a, scale: p }, Self::Number { mantissa: b, scale: q }) => {
                let places = (*p).max(*q);
                let aligned = |mantissa: &i128, scale: &i32| {
                    let unit = || 10i128.checked_pow((places - scale).unsigned_abs());
                    if *mantissa == 0 { Some(0) } else { unit().and_then(|unit| mantissa.checked_mul(unit)) }
                };
                match (aligned(a, p), aligned(b, q)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    // Only one can be too large, and then its sign decides.
                    (None, _) => a.cmp(&0),
                    (_, None) => 0.cmp(b),
                }
            }
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (one, other) => one.rank().cmp(&other.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Boolean(_) => 0,
            Self::Number { .. } => 1,
            Self::Date(_) => 2,
            Self::Text(_) => 3,
            Self::Null => 4,
        }
    }

    /// As an answer writes it; `None` is NULL.
    pub(super) fn label(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone()),
            Self::Boolean(b) => Some(b.to_string()),
            Self::Date(days) => Some(date(*days)),
            Self::Number { .. } => Some(self.digits()),
        }
    }

    /// A number in decimal; empty for everything else.
    pub(super) fn digits(&self) -> String {
        let Self::Number { mantissa, scale } = self else { return String::new() };
        if scale.unsigned_abs() > 60 {
            return format!("{mantissa}e{}", -scale);
        }
        let sign = if *mantissa < 0 { "-" } else { "" };
        let digits = mantissa.unsigned_abs().to_string();
        let zeros = |count: i32| "0".repeat(usize::try_from(count.max(0)).unwrap_or(0));
        let places = usize::try_from(*scale).unwrap_or(0);
        if places == 0 {
            return format!("{sign}{digits}{}", zeros(-scale));
        }
        let padded = format!("{}{digits}", "0".repeat((places + 1).saturating_sub(digits.len())));
        let (whole, part) = padded.split_at(padded.len().saturating_sub(places));
        format!("{sign}{whole}.{part}")
    }
}

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
        ScalarValue::Date64(Some(ms)) => midnight(*ms, 86_400_000),
        ScalarValue::TimestampSecond(Some(n), None) => midnight(*n, 86_400),
        ScalarValue::TimestampMillisecond(Some(n), None) => midnight(*n, 86_400_000),
        ScalarValue::TimestampMicrosecond(Some(n), None) => midnight(*n, 86_400_000_000),
        ScalarValue::TimestampNanosecond(Some(n), None) => midnight(*n, 86_400_000_000_000),
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

/// A moment that begins a day.
fn midnight(moment: i64, day: i64) -> Option<Constant> {
    (moment.rem_euclid(day) == 0).then(|| Constant::Date(moment.div_euclid(day)))
}

/// Days as they are written.
pub(super) fn date(days: i64) -> String {
    i32::try_from(days.saturating_add(719_163))
        .ok()
        .and_then(chrono::NaiveDate::from_num_days_from_ce_opt)
        .map_or_else(|| days.to_string(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(value: &ScalarValue) -> Option<String> {
        read(value).map(|constant| constant.normal().digits())
    }

    #[test]
    fn numbers_are_read_and_written_exactly() {
        assert_eq!(digits(&ScalarValue::Int64(Some(300))).as_deref(), Some("300"));
        assert_eq!(digits(&ScalarValue::Decimal128(Some(-2950), 5, 2)).as_deref(), Some("-29.5"));
        assert_eq!(digits(&ScalarValue::Decimal128(Some(5), 3, 3)).as_deref(), Some("0.005"));
        assert_eq!(digits(&ScalarValue::Float64(Some(0.1))).as_deref(), Some("0.1"));
        assert_eq!(digits(&ScalarValue::Float64(Some(-1e3))).as_deref(), Some("-1000"));
        assert_eq!(digits(&ScalarValue::Float64(Some(f64::NAN))), None);
        assert_eq!(digits(&ScalarValue::UInt64(Some(0))).as_deref(), Some("0"));
    }

    #[test]
    fn numbers_compare_across_scales() {
        let number = |mantissa, scale| Constant::Number { mantissa, scale };
        assert_eq!(number(15, 1).compare(&number(150, 2)), Ordering::Equal);
        assert_eq!(number(15, 1).normal(), number(150, 2).normal());
        assert_eq!(number(-1, 0).compare(&number(5, 9)), Ordering::Less);
        assert_eq!(number(1, -60).compare(&number(5, 9)), Ordering::Greater);
        assert_eq!(Constant::Null.compare(&number(1, 0)), Ordering::Greater);
    }
}
