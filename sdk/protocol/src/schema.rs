//! The public schema of a table: how each value becomes a code or an integer.
//!
//! Everything here is published. Nothing here may be derived from single rows beyond what the owner
//! chose to state (dictionaries, edges, bounds): review it before publishing.

use std::{cmp::Ordering, collections::HashSet};

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::{
    canonical::{Canonical, MAX_INTEGER},
    digest::Purpose,
};

/// The most codes a dimension may have, the null code included.
pub const MAX_CODES: u32 = 4_096;
/// The most columns of a table.
pub const MAX_COLUMNS: usize = 512;

/// The public description of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The name buyers write after FROM.
    pub table: String,
    /// Texts of the source that mean "no value".
    #[serde(default = "default_null_values")]
    pub null_values: Vec<String>,
    /// The columns in order; a [`ColumnId`] is an index into this list.
    #[serde(rename = "column")]
    pub columns: Vec<Column>,
}

fn default_null_values() -> Vec<String> {
    vec![String::new(), "NA".to_owned()]
}

/// One column. It may be a dimension (filtered and grouped by), a measure (summed), both, or
/// neither; a column that is neither is not encrypted and not uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// As in the source's header and in SQL.
    pub name: String,
    /// A sentence for buyers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether rows may have no value here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// How it is filtered and grouped by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimension: Option<Domain>,
    /// How it is summed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
}

/// Index of a column in its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnId(pub u16);

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

/// A number that is summed: an integer after scaling by `10^scale` and subtracting `min`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Decimal places kept exactly; a value with more is refused.
    pub scale: u8,
    /// Smallest value in units of `10^-scale`; the public offset.
    pub min: i64,
    /// Largest value in units of `10^-scale`.
    pub max: i64,
}

/// What is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The table's name is not an identifier.
    #[error("table name `{0}`: use letters, digits and underscores, starting with a letter")]
    TableName(String),
    /// Too many or no columns.
    #[error("{0} columns: expected 1 to {MAX_COLUMNS}")]
    ColumnCount(usize),
    /// Nothing is encrypted.
    #[error("no column has a dimension or a measure: nothing would be encrypted")]
    NothingEncrypted,
    /// A column's name is empty or too long.
    #[error("column {index}: the name must have 1 to 128 characters")]
    ColumnName {
        /// Position, from 0.
        index: usize,
    },
    /// A name occurs twice (names are compared without case, as SQL does).
    #[error("column `{0}` occurs twice")]
    DuplicateColumn(String),
    /// The domain of a dimension is not well formed.
    #[error("dimension `{column}`: {reason}")]
    Domain {
        /// Name of the column.
        column: String,
        /// What to change.
        reason: String,
    },
    /// A measure is not well formed.
    #[error("measure `{column}`: {reason}")]
    Measure {
        /// Name of the column.
        column: String,
        /// What to change.
        reason: String,
    },
}

/// Why one value of the source has no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Null where nulls are not allowed.
    #[error("no value, but the column is not nullable: set `nullable = true`")]
    UnexpectedNull,
    /// The text has another type.
    #[error("`{value}` is not {expected}")]
    Type {
        /// What was found, shortened.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A number with more decimal places than the scale keeps.
    #[error("`{value}` has more than {scale} decimal places: raise `scale`")]
    Scale {
        /// What was found.
        value: String,
        /// Places kept.
        scale: u8,
    },
    /// A value outside the published domain.
    #[error("`{value}` is outside the published domain ({domain}): widen it")]
    OutsideDomain {
        /// What was found.
        value: String,
        /// The domain in words.
        domain: String,
    },
}

impl Canonical for Schema {
    const PURPOSE: Purpose = Purpose::Schema;
}

impl ColumnId {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Schema {
    /// Checks that the schema is well formed.
    ///
    /// # Errors
    /// The first problem found, with the column's name.
    pub fn validate(&self) -> Result<(), SchemaError> {
        let starts_well = self.table.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts_well
            || self.table.len() > 63
            || !self.table.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            return Err(SchemaError::TableName(self.table.clone()));
        }
        if self.columns.is_empty() || self.columns.len() > MAX_COLUMNS {
            return Err(SchemaError::ColumnCount(self.columns.len()));
        }
        let mut names = HashSet::new();
        for (index, column) in self.columns.iter().enumerate() {
            if column.name.is_empty() || column.name.chars().count() > 128 {
                return Err(SchemaError::ColumnName { index });
            }
            if !names.insert(column.name.to_lowercase()) {
                return Err(SchemaError::DuplicateColumn(column.name.clone()));
            }
            if let Some(domain) = &column.dimension {
                domain
                    .check(column.nullable)
                    .map_err(|reason| SchemaError::Domain { column: column.name.clone(), reason })?;
            }
            if let Some(measure) = &column.measure {
                measure
                    .check()
                    .map_err(|reason| SchemaError::Measure { column: column.name.clone(), reason })?;
            }
        }
        if self.columns.iter().all(|c| c.dimension.is_none() && c.measure.is_none()) {
            return Err(SchemaError::NothingEncrypted);
        }
        self.columns.iter().try_for_each(|column| self.check_order(column))
    }

    /// What is compared exists, can be compared, and says the same of nulls.
    fn check_order(&self, column: &Column) -> Result<(), SchemaError> {
        let Some(Domain::Order { left, right }) = &column.dimension else { return Ok(()) };
        let error = |reason| SchemaError::Domain { column: column.name.clone(), reason };
        let mut kinds = Vec::new();
        for name in [left, right] {
            let found = self.columns.iter().find(|other| other.name == *name);
            let found = found.ok_or_else(|| error(format!("it compares `{name}`, which is no column")))?;
            let kind = found.order_kind();
            kinds.push(kind.ok_or_else(|| error(format!("`{name}` is neither a number nor a date")))?);
            if found.nullable && !column.nullable {
                return Err(error(format!("`{name}` may be null: set `nullable = true` here, too")));
            }
        }
        if column.measure.is_some() {
            return Err(error("an order is no number: it cannot be a measure".to_owned()));
        }
        if kinds[0] != kinds[1] {
            return Err(error(format!("`{left}` and `{right}` are a number and a date")));
        }
        Ok(())
    }

    /// The dimension that holds how `left` and `right` compare, and whether it holds it the other way
    /// round.
    pub fn order_of(&self, left: ColumnId, right: ColumnId) -> Option<(ColumnId, bool)> {
        let (one, other) = (&self.column(left).name, &self.column(right).name);
        self.dimensions().find_map(|id| match &self.column(id).dimension {
            Some(Domain::Order { left, right }) if left == one && right == other => Some((id, false)),
            Some(Domain::Order { left, right }) if left == other && right == one => Some((id, true)),
            _ => None,
        })
    }

    /// The column with this id.
    ///
    /// # Panics
    /// When the id is not of this schema; ids are checked where a query enters.
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[id.index()]
    }

    /// Looks a column up by name, as SQL does: exactly, else without case.
    pub fn find(&self, name: &str) -> Option<ColumnId> {
        let position = self
            .columns
            .iter()
            .position(|c| c.name == name)
            .or_else(|| self.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)))?;
        u16::try_from(position).ok().map(ColumnId)
    }

    /// Ids of all columns with a dimension, in order.
    pub fn dimensions(&self) -> impl Iterator<Item = ColumnId> + '_ {
        self.ids().filter(|id| self.column(*id).dimension.is_some())
    }

    /// Ids of all columns with a measure, in order.
    pub fn measures(&self) -> impl Iterator<Item = ColumnId> + '_ {
        self.ids().filter(|id| self.column(*id).measure.is_some())
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = ColumnId> + use<> {
        (0..u16::try_from(self.columns.len()).unwrap_or(u16::MAX)).map(ColumnId)
    }

    /// Whether a text of the source means "no value".
    pub fn is_null(&self, text: &str) -> bool {
        self.null_values.iter().any(|null| null == text)
    }
}

impl Column {
    /// Number of codes of the dimension, the null code included; 0 without a dimension.
    pub fn codes(&self) -> u32 {
        self.dimension.as_ref().map_or(0, |domain| domain.size() + u32::from(self.nullable))
    }

    /// The code that means null, if the column is nullable: the last one.
    pub fn null_code(&self) -> Option<u32> {
        self.dimension.as_ref().filter(|_| self.nullable).map(Domain::size)
    }

    /// Number of codes that a predicate can tell apart: those of the dimension; without one, 2 for a
    /// nullable measure (0 where it has a value, 1 where not), else 0.
    pub fn marks(&self) -> u32 {
        match (&self.dimension, &self.measure) {
            (Some(_), _) => self.codes(),
            (None, Some(_)) if self.nullable => 2,
            (None, _) => 0,
        }
    }

    /// The code that means null to a predicate, if there is one.
    pub fn null_mark(&self) -> Option<u32> {
        self.marks().checked_sub(1).filter(|_| self.nullable)
    }

    /// The values of the measure that its codes stand for, in units of the measure, if a code decides the
    /// value. The null code, which is the last, is left out.
    pub fn values_of_codes(&self) -> Option<Vec<i64>> {
        let (domain, measure) = (self.dimension.as_ref()?, self.measure.as_ref()?);
        let scale = match domain {
            Domain::Integer { .. } => 0,
            Domain::Buckets { scale, .. } if domain.is_exact() => *scale,
            _ => return None,
        };
        // A finer measure than the dimension is not decided by it.
        if scale != measure.scale {
            return None;
        }
        (0..domain.size()).map(|code| domain.interval(code).map(|(low, _)| low)).collect()
    }

    /// What kind of values it has, if they can be compared in size.
    fn order_kind(&self) -> Option<OrderKind> {
        match (&self.dimension, &self.measure) {
            (Some(Domain::Date { .. }), _) => Some(OrderKind::Date),
            (Some(Domain::Integer { .. } | Domain::Buckets { .. }), _) | (None, Some(_)) => {
                Some(OrderKind::Number)
            }
            _ => None,
        }
    }

    /// Whether its values are computed from others rather than read.
    pub const fn is_derived(&self) -> bool {
        matches!(self.dimension, Some(Domain::Order { .. }))
    }

    /// The code of a value; `None` is null.
    ///
    /// # Errors
    /// When the value is outside the published domain or of another type.
    pub fn encode_dimension(&self, text: Option<&str>) -> Result<Option<u32>, ValueError> {
        let Some(domain) = &self.dimension else { return Ok(None) };
        match text {
            None => self.null_code().ok_or(ValueError::UnexpectedNull).map(Some),
            Some(text) => domain.encode(text).map(Some),
        }
    }

    /// The scaled integer of a value; `None` is null. The offset is not yet subtracted.
    ///
    /// # Errors
    /// When the value is out of bounds, too fine or not a number.
    pub fn encode_measure(&self, text: Option<&str>) -> Result<Option<i64>, ValueError> {
        let Some(measure) = &self.measure else { return Ok(None) };
        match text {
            None if self.nullable => Ok(None),
            None => Err(ValueError::UnexpectedNull),
            Some(text) => measure.encode(text).map(Some),
        }
    }

    /// How a code is written in an answer; `None` for null.
    pub fn label(&self, code: u32) -> Option<String> {
        if self.null_code() == Some(code) {
            return None;
        }
        self.dimension.as_ref().and_then(|domain| domain.label(code))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrderKind {
    Number,
    Date,
}

/// The code of [`Domain::Order`] for two values of the source.
///
/// # Errors
/// When one of them is neither a number nor a date.
pub fn order_code(left: &str, right: &str) -> Result<u32, ValueError> {
    let date = |text: &str| text.trim().parse::<NaiveDate>().ok();
    let order = match (date(left), date(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => {
            let scale = places(left).max(places(right));
            scaled_floor(left, scale)?.cmp(&scaled_floor(right, scale)?)
        }
    };
    Ok(match order {
        Ordering::Less => 0,
        Ordering::Equal => 1,
        Ordering::Greater => 2,
    })
}

/// The decimal places that a number is written with, so that both sides of a comparison keep all.
fn places(text: &str) -> u8 {
    let part = text.trim().split_once('.').map_or("", |(_, part)| part);
    let places = if text.contains(['e', 'E']) { usize::from(MAX_SCALE) } else { part.len() };
    u8::try_from(places).unwrap_or(MAX_SCALE).min(MAX_SCALE)
}

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

    fn check(&self, nullable: bool) -> Result<(), String> {
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

/// The most decimal places of a number.
pub const MAX_SCALE: u8 = 12;

impl Measure {
    /// The largest encoded value, `max - min`.
    pub fn width(&self) -> u64 {
        self.max.abs_diff(self.min)
    }

    /// The scaled integer of a text; the offset is not yet subtracted.
    ///
    /// # Errors
    /// When it is out of bounds, too fine or not a number.
    pub fn encode(&self, text: &str) -> Result<i64, ValueError> {
        let value = scaled(text, self.scale)?;
        if (self.min..=self.max).contains(&value) {
            return Ok(value);
        }
        Err(ValueError::OutsideDomain {
            value: text.chars().take(60).collect(),
            domain: format!("{} to {}", decimal(self.min, self.scale), decimal(self.max, self.scale)),
        })
    }

    fn check(&self) -> Result<(), String> {
        if self.scale > MAX_SCALE {
            return Err(format!("scale {} is above {MAX_SCALE}", self.scale));
        }
        if self.min > self.max {
            return Err(format!("min {} is above max {}", self.min, self.max));
        }
        in_range(self.min).and(in_range(self.max))
    }
}

fn in_range(value: i64) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        assert_eq!(scaled("17.99", 2), Ok(1799));
        assert_eq!(scaled("-0.5", 1), Ok(-5));
        assert_eq!(scaled("1.2e3", 0), Ok(1200));
        assert_eq!(scaled("1200e-2", 1), Ok(120));
        assert_eq!(scaled_floor("-0.01", 0), Ok(-1));
        assert_eq!(scaled_floor("2.99", 0), Ok(2));
        assert!(matches!(scaled("1.05", 1), Err(ValueError::Scale { .. })));
        for bad in ["", "-", "1,5", "abc", "1e99", "0x10", "NaN"] {
            assert!(scaled(bad, 2).is_err(), "{bad}");
        }
        assert_eq!(decimal(-1799, 2), "-17.99");
        assert_eq!(decimal(7, 3), "0.007");
        assert_eq!(decimal(i64::MIN, 72).len(), 75, "of any scale");
    }

    #[test]
    fn codes_and_intervals_agree() {
        let buckets = Domain::Buckets { scale: 0, edges: vec![0, 10, 11, 50] };
        assert_eq!(buckets.encode("9.9"), Ok(0));
        assert_eq!(buckets.encode("10"), Ok(1));
        assert_eq!(buckets.label(1).as_deref(), Some("10"));
        assert_eq!(buckets.label(2).as_deref(), Some("11..50"));
        assert!(buckets.encode("50").is_err());
        assert!(buckets.encode("-1").is_err());
        let day = |text: &str| text.parse().expect("a date");
        let dates = Domain::Date { edges: vec![day("1970-01-01"), day("1970-01-02"), day("1971-01-01")] };
        assert_eq!(dates.encode("1970-06-01"), Ok(1));
        assert_eq!(dates.interval(0), Some((0, 1)));
    }

    #[test]
    fn orders_compare_dates_and_numbers_of_any_size() {
        assert_eq!(order_code("1996-03-01", "1996-02-29"), Ok(2));
        assert_eq!(order_code("123456789.5", "123456789.50"), Ok(1));
        assert_eq!(order_code("-2", "1e0"), Ok(0));
        assert!(order_code("1996-03-01", "x").is_err());
    }

    #[test]
    fn a_schema_says_what_is_wrong_and_where() {
        let column = |name: &str, dimension| Column {
            name: name.to_owned(),
            description: String::new(),
            nullable: false,
            dimension,
            measure: None,
        };
        let schema = |columns| Schema { table: "t".to_owned(), null_values: vec![], columns };
        assert_eq!(schema(vec![]).validate(), Err(SchemaError::ColumnCount(0)));
        assert_eq!(schema(vec![column("a", None)]).validate(), Err(SchemaError::NothingEncrypted));
        let twice = schema(vec![column("a", Some(Domain::Boolean)), column("A", None)]);
        assert_eq!(twice.validate(), Err(SchemaError::DuplicateColumn("A".to_owned())));
        let backwards = Domain::Integer { min: 3, max: 2 };
        assert!(schema(vec![column("a", Some(backwards))]).validate().is_err());
        let wide = Domain::Integer { min: 0, max: i64::from(MAX_CODES) };
        assert!(schema(vec![column("a", Some(wide))]).validate().is_err());
    }
}
