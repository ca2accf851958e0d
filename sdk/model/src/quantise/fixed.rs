//! Fixed point: from floating-point numbers to integers, and how many bits they take.

use super::{Options, QuantiseError, Resolution};
use crate::quantised::LARGEST;

/// A number times `2^fraction_bits`, rounded.
pub(super) fn round(what: &'static str, number: f64, fraction_bits: i32) -> Result<i64, QuantiseError> {
    let scaled = (number * f64::from(fraction_bits).exp2()).round();
    if scaled.abs() <= LARGEST as f64 {
        return Ok(scaled as i64);
    }
    Err(QuantiseError::TooFine { what, size: scaled })
}

/// Checks a range.
pub(super) fn narrow(what: &'static str, range: (i128, i128)) -> Result<(i64, i64), QuantiseError> {
    let narrow = |value: i128| {
        i64::try_from(value)
            .ok()
            .filter(|value| value.unsigned_abs() <= LARGEST.unsigned_abs())
            .ok_or(QuantiseError::TooFine { what, size: value as f64 })
    };
    Ok((narrow(range.0)?, narrow(range.1)?))
}

/// The fraction bits to start from: `width` is the largest score minus the smallest one.
fn fraction_bits(options: &Options, width: f64) -> Result<i32, QuantiseError> {
    match options.resolution {
        Resolution::FractionBits(bits) if (-60..=52).contains(&bits) => Ok(bits),
        Resolution::FractionBits(bits) => Err(QuantiseError::Options {
            name: "fraction_bits",
            found: i64::from(bits),
            expected: "-60 to 52",
        }),
        Resolution::ScoreBits(bits) if (2..=52).contains(&bits) => {
            let finest = f64::from(bits) - width.max(f64::MIN_POSITIVE).log2();
            Ok(finest.floor().clamp(-60.0, 52.0) as i32)
        }
        Resolution::ScoreBits(bits) => {
            Err(QuantiseError::Options { name: "score_bits", found: i64::from(bits), expected: "2 to 52" })
        }
    }
}

/// What was made, the range of each score, and the fraction bits.
pub(super) type Made<T> = (T, Vec<(i64, i64)>, i32);

/// Makes a result with the finest resolution at which the widest score fits, starting from an estimate:
/// rounding may take one bit more than estimated.
pub(super) fn finest<T>(
    options: &Options,
    width: f64,
    make: impl Fn(i32) -> Result<(T, Vec<(i64, i64)>), QuantiseError>,
) -> Result<Made<T>, QuantiseError> {
    let mut bits = fraction_bits(options, width)?;
    loop {
        let made = make(bits);
        let Resolution::ScoreBits(limit) = options.resolution else {
            return made.map(|(made, bounds)| (made, bounds, bits));
        };
        match made {
            Ok((made, bounds)) if bounds.iter().all(|(low, high)| high.abs_diff(*low) < 1 << limit) => {
                return Ok((made, bounds, bits));
            }
            // An intercept may be large where the width is small.
            Ok(_) | Err(QuantiseError::TooFine { .. }) if bits > -60 => bits -= 1,
            Ok((made, bounds)) => return Ok((made, bounds, bits)),
            Err(error) => return Err(error),
        }
    }
}
