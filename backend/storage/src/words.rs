//! Between domain values and the text, numbers and JSON of rows. What cannot be read names its table, column
//! and row.

use std::str::FromStr;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::StorageError;

/// Where a value was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The table.
    pub(crate) table: &'static str,
    /// The row's primary key.
    pub(crate) id: &'a str,
}

impl Place<'_> {
    /// The error of a column that cannot be read.
    pub(crate) fn bad(&self, column: &'static str) -> StorageError {
        StorageError::BadRow { table: self.table, column, id: self.id.to_owned() }
    }

    /// A value with a written form.
    pub(crate) fn text<T: FromStr>(&self, column: &'static str, text: &str) -> Result<T, StorageError> {
        text.parse().map_err(|_| self.bad(column))
    }

    /// A variant without fields, written as serde names it.
    pub(crate) fn word<T: DeserializeOwned>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StorageError> {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| self.bad(column))
    }

    /// A document.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StorageError> {
        serde_json::from_str(text).map_err(|_| self.bad(column))
    }

    /// A number that is never negative.
    pub(crate) fn count<T: TryFrom<i64>>(
        &self,
        column: &'static str,
        number: i64,
    ) -> Result<T, StorageError> {
        T::try_from(number).map_err(|_| self.bad(column))
    }
}

/// A variant without fields, as serde names it.
pub(crate) fn word<T: Serialize>(what: &'static str, value: &T) -> Result<String, StorageError> {
    let value = serde_json::to_value(value).map_err(|source| StorageError::Encode { what, source })?;
    // Empty, and so refused by the table's check, for anything but a variant without fields.
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// A document.
pub(crate) fn json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|source| StorageError::Encode { what, source })
}

/// A number that the database keeps as `bigint`.
pub(crate) fn count(what: &'static str, value: u64) -> Result<i64, StorageError> {
    i64::try_from(value).map_err(|_| StorageError::OutOfRange { what, value })
}

/// An instant as precise as PostgreSQL keeps it, so that what is returned is what will be read.
pub(crate) fn instant(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// Checks how many rows a statement changed.
pub(crate) fn expect_rows(
    table: &'static str,
    id: impl ToString,
    expected: u64,
    affected: u64,
) -> Result<(), StorageError> {
    if affected == expected {
        return Ok(());
    }
    Err(StorageError::RowCount { table, id: id.to_string(), expected, affected })
}
