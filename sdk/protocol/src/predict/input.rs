//! What a client computes of a row before encrypting it.

use serde::{Deserialize, Serialize};

use crate::{coded::CodedTable, predicate::CodeSet, schema::ColumnId};

/// One number of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// 1 where the code of a dimension is at least `code`.
    AtLeast {
        /// The dimension.
        column: ColumnId,
        /// From 1 on; every code is at least 0.
        code: u32,
    },
    /// 1 where the code of a dimension is in a set.
    In {
        /// The dimension.
        column: ColumnId,
        /// The set.
        codes: CodeSet,
    },
    /// 1 where a measure has a value.
    Present(ColumnId),
    /// The value of a measure in units of its scale, 0 where it has none.
    Value(ColumnId),
    /// The square of that.
    Square(ColumnId),
}

/// The table lacks what an input needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column {} has no code or value in row {row}: encode the rows under the model's schema", column.0)]
pub struct InputError {
    /// Which column.
    pub column: ColumnId,
    /// Row, from 0.
    pub row: usize,
}

impl Input {
    /// The column it is computed from.
    pub const fn column(&self) -> ColumnId {
        match self {
            Self::AtLeast { column, .. }
            | Self::In { column, .. }
            | Self::Present(column)
            | Self::Value(column)
            | Self::Square(column) => *column,
        }
    }

    /// Its value in a row.
    ///
    /// # Errors
    /// When the table has no such row or column.
    pub fn of(&self, table: &CodedTable, row: usize) -> Result<i128, InputError> {
        let column = self.column();
        let missing = InputError { column, row };
        let code = || {
            let codes = table.codes.get(column.index()).and_then(Option::as_ref);
            codes.and_then(|codes| codes.get(row)).copied().ok_or(missing)
        };
        let value = || {
            let values = table.values.get(column.index()).and_then(Option::as_ref);
            values.and_then(|values| values.get(row)).copied().ok_or(missing)
        };
        let number = |value: Option<i64>| i128::from(value.unwrap_or(0));
        Ok(match self {
            Self::AtLeast { code: least, .. } => i128::from(code()? >= *least),
            Self::In { codes, .. } => i128::from(codes.contains(code()?)),
            Self::Present(_) => i128::from(value()?.is_some()),
            Self::Value(_) => number(value()?),
            Self::Square(_) => number(value()?).pow(2),
        })
    }
}
