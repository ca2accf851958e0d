//! The values that a dimension takes, and their codes.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    MAX_CODES, ValueError,
    number::{MAX_SCALE, days, decimal, in_range, scaled, scaled_floor},
};

/// The values a dimension takes and their codes `0..codes()`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Domain {
    /// A dictionary; the code is the position.
    Category {
        /// Distinct texts.
        values: Vec<String>,
    },
    /// Every integer from `min` to `max` has its own code.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// Half-open buckets `[edges[i], edges[i+1])` of a decimal number.
    Buckets {
        /// Decimal places; edges count units of `10^-scale`.
        scale: u8,
        /// Strictly increasing; one more than there are buckets.
        edges: Vec<i64>,
    },
    /// `false` is 0, `true` is 1.
    Boolean,
    /// Half-open buckets of dates; consecutive days make a bucket a day.
    Date {
        /// Strictly increasing; one more than there are buckets.
        edges: Vec<NaiveDate>,
    },
    /// How the values of two other columns of a row compare: `less`, `equal` or `greater`. It is not
    /// read from the source but computed by the owner, so that `a < b` needs one slice and no
    /// arithmetic on ciphertext.
    Order {
        /// Name of the column on the left.
        left: String,
        /// Name of the column on the right.
        right: String,
    },
}

/// The codes of [`Domain::Order`], as they are written.
pub const ORDERS: [&str; 3] = ["less", "equal", "greater"];

impl Domain {
    /// Number of codes, without the null code.
    pub fn size(&self) -> u32 {
        let buckets = |edges: usize| u32::try_from(edges.saturating_sub(1)).unwrap_or(u32::MAX);
        match self {
            Self::Category { values } => u32::try_from(values.len()).unwrap_or(u32::MAX),
            Self::Integer { min, max } => max
                .checked_sub(*min)
                .and_then(|width| u32::try_from(width).ok())
                .and_then(|width| width.checked_add(1))
                .unwrap_or(u32::MAX),
            Self::Buckets { edges, .. } => buckets(edges.len()),
            Self::Boolean => 2,
            Self::Date { edges } => buckets(edges.len()),
            Self::Order { .. } => 3,
        }
    }

    /// The half-open interval of integers that a code stands for: units of `10^-scale` for numbers,
    /// days since 1970-01-01 for dates; `None` for categories and booleans.
    pub fn interval(&self, code: u32) -> Option<(i64, i64)> {
        let i = code as usize;
        match self {
            Self::Integer { min, .. } if code < self.size() => {
                let low = min + i64::from(code);
                Some((low, low + 1))
            }
            Self::Buckets { edges, .. } => Some((*edges.get(i)?, *edges.get(i + 1)?)),
            Self::Date { edges } => Some((days(*edges.get(i)?), days(*edges.get(i + 1)?))),
            _ => None,
        }
    }

    /// The code whose interval holds the integer `value` (see [`Domain::interval`]).
    pub fn code_of_integer(&self, value: i64) -> Option<u32> {
        let within = |after: usize, edges: usize| {
            (after > 0 && after < edges).then(|| u32::try_from(after - 1).ok()).flatten()
        };
        match self {
            Self::Integer { min, max } if (*min..=*max).contains(&value) => u32::try_from(value - min).ok(),
            Self::Buckets { edges, .. } => within(edges.partition_point(|edge| *edge <= value), edges.len()),
            Self::Date { edges } => within(edges.partition_point(|edge| days(*edge) <= value), edges.len()),
            _ => None,
        }
    }

    /// The code of a text.
    ///
    /// # Errors
    /// When it is outside the domain or of another type.
    pub fn encode(&self, text: &str) -> Result<u32, ValueError> {
        let shown = || text.chars().take(60).collect::<String>();
        let found = match self {
            Self::Category { values } => {
                values.iter().position(|value| value == text).and_then(|i| u32::try_from(i).ok())
            }
            Self::Integer { .. } => self.code_of_integer(scaled(text, 0)?),
            // A bucketed number needs no more precision than its edges have: round down.
            Self::Buckets { scale, .. } => self.code_of_integer(scaled_floor(text, *scale)?),
            Self::Boolean => match text.to_ascii_lowercase().as_str() {
                "false" | "f" | "0" | "no" => Some(0),
                "true" | "t" | "1" | "yes" => Some(1),
                _ => {
                    return Err(ValueError::Type {
                        value: shown(),
                        expected: "a boolean (true/false, yes/no, 1/0)",
                    });
                }
            },
            Self::Date { .. } => {
                let date = text
                    .parse::<NaiveDate>()
                    .map_err(|_| ValueError::Type { value: shown(), expected: "a date (YYYY-MM-DD)" })?;
                self.code_of_integer(days(date))
            }
            Self::Order { .. } => {
                ORDERS.iter().position(|order| *order == text).and_then(|i| u32::try_from(i).ok())
            }
        };
        found.ok_or_else(|| ValueError::OutsideDomain { value: shown(), domain: self.describe() })
    }

    /// Whether every code stands for one value.
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Category { .. } | Self::Integer { .. } | Self::Boolean | Self::Order { .. } => true,
            Self::Buckets { edges, .. } => edges.windows(2).all(|pair| pair[1] - pair[0] == 1),
            Self::Date { edges } => edges.windows(2).all(|pair| days(pair[1]) - days(pair[0]) == 1),
        }
    }

    /// Whether its values are numbers or dates, which have a smallest and a middle one.
    pub const fn is_ordered(&self) -> bool {
        matches!(self, Self::Integer { .. } | Self::Buckets { .. } | Self::Date { .. })
    }

    /// How a code is written: the value itself, or `low..high` for a wider bucket (high excluded).
    pub fn label(&self, code: u32) -> Option<String> {
        match self {
            Self::Category { values } => values.get(code as usize).cloned(),
            Self::Order { .. } => ORDERS.get(code as usize).map(|order| (*order).to_owned()),
            Self::Boolean => match code {
                0 => Some("false".to_owned()),
                1 => Some("true".to_owned()),
                _ => None,
            },
            Self::Integer { .. } => self.interval(code).map(|(low, _)| low.to_string()),
            Self::Buckets { scale, .. } => self.interval(code).map(|(low, high)| {
                let low_text = decimal(low, *scale);
                if high - low == 1 { low_text } else { format!("{low_text}..{}", decimal(high, *scale)) }
            }),
            Self::Date { edges } => {
                let (low, high) = (edges.get(code as usize)?, edges.get(code as usize + 1)?);
                Some(if days(*high) - days(*low) == 1 { low.to_string() } else { format!("{low}..{high}") })
            }
        }
    }

    /// The domain in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Category { values } => format!("{} categories", values.len()),
            Self::Integer { min, max } => format!("integers {min} to {max}"),
            Self::Buckets { scale, edges } => match (edges.first(), edges.last()) {
                (Some(low), Some(high)) => format!(
                    "{} buckets from {} up to {}",
                    edges.len() - 1,
                    decimal(*low, *scale),
                    decimal(*high, *scale)
                ),
                _ => "no buckets".to_owned(),
            },
            Self::Boolean => "true or false".to_owned(),
            Self::Date { edges } => match (edges.first(), edges.last()) {
                (Some(low), Some(high)) => format!("dates from {low} up to {high}"),
                _ => "no dates".to_owned(),
            },
            Self::Order { left, right } => format!("the order of {left} and {right}"),
        }
    }

    pub(super) fn check(&self, nullable: bool) -> Result<(), String> {
        match self {
            Self::Category { values } => {
                let distinct: HashSet<_> = values.iter().collect();
                if distinct.len() != values.len() {
                    return Err("a category value occurs twice".to_owned());
                }
            }
            Self::Integer { min, max } if min > max => {
                return Err(format!("min {min} is above max {max}"));
            }
            Self::Integer { min, max } => in_range(*min).and(in_range(*max))?,
            Self::Buckets { scale, edges } => {
                if *scale > MAX_SCALE {
                    return Err(format!("scale {scale} is above {MAX_SCALE}"));
                }
                edges.iter().try_for_each(|edge| in_range(*edge))?;
                if !edges.is_sorted_by(|a, b| a < b) {
                    return Err("edges must increase strictly".to_owned());
                }
            }
            Self::Boolean | Self::Order { .. } => {}
            Self::Date { edges } => {
                if !edges.is_sorted_by(|a, b| a < b) {
                    return Err("edges must increase strictly".to_owned());
                }
            }
        }
        match self.size() {
            0 => Err("the domain has no value".to_owned()),
            size if size + u32::from(nullable) > MAX_CODES => {
                Err(format!("{size} codes are more than {MAX_CODES}: use wider buckets or fewer categories"))
            }
            _ => Ok(()),
        }
    }
}
