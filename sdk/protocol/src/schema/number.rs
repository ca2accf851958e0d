//! Numbers as texts and as scaled integers, exactly; dates as days.

use chrono::{Datelike, NaiveDate};

use super::ValueError;
use crate::canonical::MAX_INTEGER;

/// The most decimal places of a number.
pub const MAX_SCALE: u8 = 12;

/// The decimal places that a number is written with, so that both sides of a comparison keep all.
pub(super) fn places(text: &str) -> u8 {
    let part = text.trim().split_once('.').map_or("", |(_, part)| part);
    let places = if text.contains(['e', 'E']) { usize::from(MAX_SCALE) } else { part.len() };
    u8::try_from(places).unwrap_or(MAX_SCALE).min(MAX_SCALE)
}

pub(super) fn in_range(value: i64) -> Result<(), String> {
    if value.unsigned_abs() <= MAX_INTEGER { Ok(()) } else { Err(format!("{value} is beyond +-(2^53 - 1)")) }
}

/// Days since 1970-01-01.
pub fn days(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce()) - 719_163
}

/// Writes an integer of units `10^-scale` as a decimal number.
pub fn decimal(value: impl Into<i128>, scale: u8) -> String {
    let value: i128 = value.into();
    if scale == 0 {
        return value.to_string();
    }
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, part) = digits.split_at(digits.len() - usize::from(scale));
    format!("{sign}{whole}.{part}")
}

/// Reads a decimal number as an integer of units `10^-scale`, exactly; exponents are understood.
///
/// # Errors
/// When it is no number, too large, or has more decimal places than `scale`.
pub fn scaled(text: &str, scale: u8) -> Result<i64, ValueError> {
    match read(text, scale)? {
        (value, true) => Ok(value),
        (_, false) => Err(ValueError::Scale { value: text.chars().take(60).collect(), scale }),
    }
}

/// As [`scaled`], rounding towards minus infinity.
///
/// # Errors
/// When it is no number or too large.
pub fn scaled_floor(text: &str, scale: u8) -> Result<i64, ValueError> {
    read(text, scale).map(|(value, _)| value)
}

/// The floor in units of `10^-scale`, and whether it is exact.
fn read(text: &str, scale: u8) -> Result<(i64, bool), ValueError> {
    let wrong = || ValueError::Type { value: text.chars().take(60).collect(), expected: "a number" };
    let trimmed = text.trim();
    let (mantissa, exponent) = match trimmed.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| wrong())?),
        None => (trimmed, 0),
    };
    let (negative, unsigned) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits: String = [whole, part].concat();
    if digits.is_empty() || digits.len() > 60 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    // The value is `digits * 10^(exponent - part.len())`; in units of 10^-scale, shift by `shift`.
    let shift = i64::from(exponent) - part.len() as i64 + i64::from(scale);
    let significant = digits.trim_start_matches('0');
    let too_large = || ValueError::OutsideDomain {
        value: text.chars().take(60).collect(),
        domain: "within +-(2^53 - 1) after scaling".to_owned(),
    };
    let (kept, exact) = if significant.is_empty() {
        (String::new(), true)
    } else if shift >= 0 {
        if shift > 40 {
            return Err(too_large());
        }
        (format!("{significant}{}", "0".repeat(shift as usize)), true)
    } else {
        let cut = significant.len().saturating_sub(usize::try_from(-shift).unwrap_or(usize::MAX));
        let (kept, dropped) = significant.split_at(cut);
        (kept.to_owned(), dropped.bytes().all(|b| b == b'0'))
    };
    let size: i64 = if kept.is_empty() { 0 } else { kept.parse().map_err(|_| too_large())? };
    if size.unsigned_abs() > MAX_INTEGER {
        return Err(too_large());
    }
    let value = match (negative, exact) {
        (false, _) => size,
        (true, true) => -size,
        (true, false) => -size - 1,
    };
    Ok((value, exact))
}
