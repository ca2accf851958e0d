//! What the platform keeps of a price. The price itself is the owner's; see
//! [`sordino_protocol::money::Price`].

use std::fmt;

use sordino_protocol::money::{Amount, MoneyError};

/// A share in hundredths of a per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct BasisPoints(u16);

/// The share is above the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fee of {0} basis points: expected at most 10000, the whole")]
pub struct BasisPointsError(u32);

/// A price divided between owner and platform; the two always add up to the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// To the owner.
    pub owner: Amount,
    /// To the platform.
    pub platform: Amount,
}

impl BasisPoints {
    /// The whole.
    pub const WHOLE: u16 = 10_000;

    /// So many hundredths of a per cent.
    ///
    /// # Errors
    /// When that is more than the whole.
    pub fn parse(points: u32) -> Result<Self, BasisPointsError> {
        match u16::try_from(points) {
            Ok(points) if points <= Self::WHOLE => Ok(Self(points)),
            _ => Err(BasisPointsError(points)),
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Divides a price. The platform's share is rounded down, so the remainder of a cent is the owner's.
    ///
    /// # Errors
    /// When the price is negative.
    pub fn split(self, price: Amount) -> Result<Split, MoneyError> {
        if price.is_negative() {
            return Err(MoneyError::Overflow);
        }
        let share = i128::from(price.as_minor()) * i128::from(self.0) / i128::from(Self::WHOLE);
        let platform = Amount::minor(i64::try_from(share).map_err(|_| MoneyError::Overflow)?);
        Ok(Split { owner: price.minus(platform)?, platform })
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parts_are_the_price(price in 0..=i64::MAX, points in 0u32..=10_000) {
            let split = BasisPoints::parse(points).expect("in range").split(Amount::minor(price)).expect("fits");
            prop_assert_eq!(split.owner.plus(split.platform), Ok(Amount::minor(price)));
            prop_assert!(!split.owner.is_negative() && !split.platform.is_negative());
        }
    }

    #[test]
    fn the_remainder_is_the_owners() {
        let split = BasisPoints::parse(1_500).expect("in range").split(Amount::minor(99)).expect("fits");
        assert_eq!((split.owner, split.platform), (Amount::minor(85), Amount::minor(14)));
        assert!(BasisPoints::parse(10_001).is_err());
        assert!(BasisPoints::default().split(Amount::minor(-1)).is_err());
    }
}
