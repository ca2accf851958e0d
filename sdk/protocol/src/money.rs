//! Money in integer minor units. Arithmetic is checked: an overflow is an error, never a wrap.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An ISO 4217 code such as `EUR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// An amount of minor units (cents) of one currency; the currency is stated once, by the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(i64);

/// What a query costs, set by the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Currency of the three parts.
    pub currency: Currency,
    /// For each query.
    pub per_query: Amount,
    /// For each released value.
    pub per_value: Amount,
    /// For each million compute units, rounded up.
    pub per_million_units: Amount,
}

/// A text or a sum that is not money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currency code has a wrong shape.
    #[error("`{0}` is not a currency: expected three capital letters, such as EUR")]
    Currency(String),
    /// The amount has a wrong shape.
    #[error("`{0}` is not an amount: expected digits with at most two decimals, such as 0.50")]
    Amount(String),
    /// The result does not fit.
    #[error("the amount is too large")]
    Overflow,
}

impl Currency {
    /// The euro, the default of a new platform.
    pub const EUR: Currency = Currency(*b"EUR");

    /// The three letters.
    pub fn as_str(&self) -> &str {
        // Unwrap-free: the constructor admits capital ASCII letters only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|x| x.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(MoneyError::Currency(text.chars().take(20).collect())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}
impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.as_str().to_owned()
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// So many minor units.
    pub const fn minor(units: i64) -> Self {
        Self(units)
    }

    /// The number of minor units.
    pub const fn as_minor(self) -> i64 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// So many times this amount.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn times(self, count: u64) -> Result<Self, MoneyError> {
        i64::try_from(count)
            .ok()
            .and_then(|count| self.0.checked_mul(count))
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// Whether less than nothing.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl FromStr for Amount {
    type Err = MoneyError;

    /// Reads `12`, `12.5` or `12.50` (major units) exactly.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let bad = || MoneyError::Amount(text.chars().take(40).collect());
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (major, minor) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if major.is_empty() || !numeric(major) || !numeric(minor) || minor.len() > 2 {
            return Err(bad());
        }
        let padded = format!("{major}{minor:0<2}");
        let units: i64 = padded.parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Self(if negative { -units } else { units }))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100)
    }
}

impl Price {
    /// The exact price of a query with so many released values and compute units.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn of(&self, released_values: u64, compute_units: u64) -> Result<Amount, MoneyError> {
        // Micro-minor units are summed before rounding up once, so that cheap queries are not free.
        let compute = i128::from(self.per_million_units.0) * i128::from(compute_units);
        let compute = (compute + 999_999).div_euclid(1_000_000);
        let compute = i64::try_from(compute).map_err(|_| MoneyError::Overflow)?;
        self.per_query.plus(self.per_value.times(released_values)?)?.plus(Amount(compute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        assert_eq!("0.50".parse(), Ok(Amount(50)));
        assert_eq!("-12.5".parse(), Ok(Amount(-1250)));
        assert_eq!("7".parse(), Ok(Amount(700)));
        for bad in ["", ".5", "1.234", "1e3", "--1", "0,50"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
        assert_eq!(Amount(-5).to_string(), "-0.05");
    }

    #[test]
    fn a_price_rounds_compute_up_once() {
        let price = Price {
            currency: Currency::EUR,
            per_query: Amount(50),
            per_value: Amount(2),
            per_million_units: Amount(3),
        };
        assert_eq!(price.of(4, 1), Ok(Amount(59)));
        assert_eq!(price.of(4, 1_000_000), Ok(Amount(61)));
        assert!(price.of(u64::MAX, 0).is_err());
    }
}
