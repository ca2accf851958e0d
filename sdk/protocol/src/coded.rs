//! Rows after encoding: codes and scaled integers, still plaintext. Only owners and tests hold these.

use crate::schema::{self, Column, ColumnId, Domain, Schema, ValueError};

/// A batch of encoded rows, column by column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodedTable {
    /// Number of rows.
    pub rows: usize,
    /// Per schema column: the codes of its dimension, or `None` if it has none.
    pub codes: Vec<Option<Vec<u32>>>,
    /// Per schema column: the scaled values of its measure (`None` inside is null), if it has one.
    pub values: Vec<Option<Vec<Option<i64>>>>,
}

/// Where and why a value of the source was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}, column `{column}`: {error}")]
pub struct RowError {
    /// Row of the source, counted from 1, the header not counted.
    pub row: u64,
    /// Name of the column.
    pub column: String,
    /// What was wrong.
    #[source]
    pub error: ValueError,
}

impl CodedTable {
    /// An empty batch for `schema`.
    pub fn new(schema: &Schema) -> Self {
        let codes = schema.columns.iter().map(|c| c.dimension.as_ref().map(|_| Vec::new())).collect();
        let values = schema.columns.iter().map(|c| c.measure.as_ref().map(|_| Vec::new())).collect();
        Self { rows: 0, codes, values }
    }

    /// Appends the rows of another batch of the same schema.
    pub fn extend(&mut self, other: &Self) {
        for (codes, more) in self.codes.iter_mut().zip(&other.codes) {
            if let (Some(codes), Some(more)) = (codes, more) {
                codes.extend_from_slice(more);
            }
        }
        for (values, more) in self.values.iter_mut().zip(&other.values) {
            if let (Some(values), Some(more)) = (values, more) {
                values.extend_from_slice(more);
            }
        }
        self.rows += other.rows;
    }

    /// The rows at these positions.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn rows_at(&self, rows: &[usize]) -> Self {
        let codes =
            self.codes.iter().map(|all| all.as_ref().map(|all| rows.iter().map(|row| all[*row]).collect()));
        let values =
            self.values.iter().map(|all| all.as_ref().map(|all| rows.iter().map(|row| all[*row]).collect()));
        Self { rows: rows.len(), codes: codes.collect(), values: values.collect() }
    }

    /// Encodes and appends one row; `cells` has one text per schema column, `None` for null. What stands
    /// at a derived column is not looked at.
    ///
    /// # Errors
    /// When a value does not fit the schema. The batch is then unchanged.
    ///
    /// # Panics
    /// When `cells` has another length than the schema.
    pub fn push(&mut self, schema: &Schema, row: u64, cells: &[Option<&str>]) -> Result<(), RowError> {
        assert_eq!(cells.len(), schema.columns.len(), "one cell per column");
        let mut coded = Vec::with_capacity(cells.len());
        for (column, cell) in schema.columns.iter().zip(cells) {
            let cell = cell.filter(|text| !schema.is_null(text));
            let place = |error| RowError { row, column: column.name.clone(), error };
            let code = match &column.dimension {
                Some(Domain::Order { left, right }) => order(schema, column, cells, left, right),
                _ => column.encode_dimension(cell),
            };
            coded.push((code.map_err(place)?, column.encode_measure(cell).map_err(place)?));
        }
        for (index, (code, value)) in coded.into_iter().enumerate() {
            if let (Some(codes), Some(code)) = (&mut self.codes[index], code) {
                codes.push(code);
            }
            if let Some(values) = &mut self.values[index] {
                values.push(value);
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// The codes of a dimension; empty for a column without one.
    pub fn codes(&self, column: ColumnId) -> &[u32] {
        self.codes[column.index()].as_deref().unwrap_or_default()
    }

    /// The code of a row that predicates look at; see [`crate::schema::Column::marks`].
    pub fn mark(&self, schema: &Schema, row: usize, column: ColumnId) -> u32 {
        match &self.codes[column.index()] {
            Some(codes) => codes[row],
            None => u32::from(schema.column(column).nullable && self.values(column)[row].is_none()),
        }
    }

    /// The scaled values of a measure; empty for a column without one.
    pub fn values(&self, column: ColumnId) -> &[Option<i64>] {
        self.values[column.index()].as_deref().unwrap_or_default()
    }
}

/// The code of a dimension that compares two others; null when one of them is.
fn order(
    schema: &Schema,
    column: &Column,
    cells: &[Option<&str>],
    left: &str,
    right: &str,
) -> Result<Option<u32>, ValueError> {
    let cell = |name: &str| {
        let position = schema.columns.iter().position(|other| other.name == name)?;
        cells[position].filter(|text| !schema.is_null(text))
    };
    match (cell(left), cell(right)) {
        (Some(left), Some(right)) => schema::order_code(left, right).map(Some),
        _ => column.null_code().ok_or(ValueError::UnexpectedNull).map(Some),
    }
}
