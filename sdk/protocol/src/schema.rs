//! The public schema of a table: how each value becomes a code or an integer.
//!
//! Everything here is published. Nothing here may be derived from single rows beyond what the owner
//! chose to state (dictionaries, edges, bounds): review it before publishing.

mod domain;
mod number;

use std::{cmp::Ordering, collections::HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use self::number::{in_range, places};
pub use self::{
    domain::{Domain, ORDERS},
    number::{MAX_SCALE, days, decimal, scaled, scaled_floor},
};
use crate::{canonical::Canonical, digest::Purpose};

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
