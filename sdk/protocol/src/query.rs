//! A query: what is asked of one dataset version. It is the contract; its digest is what quotes,
//! receipts, decisions and seals refer to, and it carries nothing its digest does not cover.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{
    canonical::Canonical,
    digest::{Digest, Purpose},
    predicate::Predicate,
    schema::{ColumnId, Schema},
};

/// The most outputs of a query.
pub const MAX_OUTPUTS: usize = 64;
/// The most groups of a query.
pub const MAX_GROUPS: u64 = 4_096;
/// The most grouped dimensions.
pub const MAX_GROUP_COLUMNS: usize = 8;

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Digest of the manifest of the dataset version.
    pub dataset: Digest,
    /// What is answered, in the order of the SELECT list.
    pub outputs: Vec<Output>,
    /// Which rows count.
    pub predicate: Predicate,
    /// The grouped dimensions; every combination of their codes is a group, in row-major order.
    pub groups: Vec<ColumnId>,
}

/// One column of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The alias, or a name made from the expression.
    pub name: String,
    /// What it shows.
    pub expression: Expression,
}

/// What an output shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// The group's value of a grouped dimension.
    Group(ColumnId),
    /// COUNT(*).
    Rows,
    /// COUNT(column): rows that are not null there.
    Count(ColumnId),
    /// SUM(column).
    Sum(ColumnId),
    /// AVG(column).
    Average(ColumnId),
}

/// A quantity of single rows whose sum over a group is computed under encryption. Sums of measures
/// are of encoded values (`value - min`); the gate adds the offset back after decryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// 1 for every row.
    Rows,
    /// 1 where the column is not null; published for nullable columns only.
    Present(ColumnId),
    /// The encoded value, 0 for null.
    Sum(ColumnId),
    /// The square of the encoded value, 0 for null.
    SumOfSquares(ColumnId),
    /// The product of the encoded values of two measures, 0 where either is null.
    Product(ColumnId, ColumnId),
}

/// Why a query does not belong to a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Too few or too many outputs.
    #[error("{0} outputs: expected 1 to {MAX_OUTPUTS}")]
    OutputCount(usize),
    /// A column id that the schema does not have.
    #[error("column {0} is not in the schema")]
    UnknownColumn(u16),
    /// Filtered or grouped by something that is no dimension.
    #[error("`{0}` is not a dimension: it cannot be filtered or grouped by")]
    NotADimension(String),
    /// Summed something that is no measure.
    #[error("`{0}` is not a measure: it cannot be summed or averaged")]
    NotAMeasure(String),
    /// An output shows a group that is not grouped by.
    #[error("`{0}` is shown but not grouped by")]
    NotGrouped(String),
    /// Grouped twice by the same dimension, or by too many.
    #[error("grouped by {0} dimensions: expected at most {MAX_GROUP_COLUMNS}, each once")]
    GroupColumns(usize),
    /// Too many groups.
    #[error("{0} groups: at most {MAX_GROUPS} are answered; group by fewer or coarser dimensions")]
    GroupCount(u64),
    /// The predicate is not in normal form.
    #[error("the predicate is not in normal form")]
    NotNormal,
}

impl Canonical for Query {
    const PURPOSE: Purpose = Purpose::Query;
}

impl Query {
    /// Checks that the query is well formed over `schema`.
    ///
    /// # Errors
    /// The first problem found.
    pub fn validate(&self, schema: &Schema) -> Result<(), QueryError> {
        if self.outputs.is_empty() || self.outputs.len() > MAX_OUTPUTS {
            return Err(QueryError::OutputCount(self.outputs.len()));
        }
        let distinct: HashSet<_> = self.groups.iter().collect();
        if distinct.len() != self.groups.len() || self.groups.len() > MAX_GROUP_COLUMNS {
            return Err(QueryError::GroupColumns(self.groups.len()));
        }
        let known = |id: ColumnId| schema.columns.get(id.index()).ok_or(QueryError::UnknownColumn(id.0));
        for id in &self.groups {
            let column = known(*id)?;
            if column.dimension.is_none() {
                return Err(QueryError::NotADimension(column.name.clone()));
            }
        }
        if self.group_count(schema) > MAX_GROUPS {
            return Err(QueryError::GroupCount(self.group_count(schema)));
        }
        for output in &self.outputs {
            match output.expression {
                Expression::Group(id) => {
                    let column = known(id)?;
                    if !self.groups.contains(&id) {
                        return Err(QueryError::NotGrouped(column.name.clone()));
                    }
                }
                Expression::Rows => {}
                Expression::Count(id) => {
                    let column = known(id)?;
                    if column.dimension.is_none() && column.measure.is_none() {
                        return Err(QueryError::NotADimension(column.name.clone()));
                    }
                }
                Expression::Sum(id) | Expression::Average(id) => {
                    let column = known(id)?;
                    if column.measure.is_none() {
                        return Err(QueryError::NotAMeasure(column.name.clone()));
                    }
                }
            }
        }
        if !self.predicate.is_normal(schema) {
            return Err(QueryError::NotNormal);
        }
        for id in self.predicate.columns() {
            let column = known(id)?;
            if column.dimension.is_none() {
                return Err(QueryError::NotADimension(column.name.clone()));
            }
        }
        Ok(())
    }

    /// The sums that must be computed for every group: rows first (the cohort is always checked),
    /// then what the outputs need, each once, in the order of first use.
    pub fn terms(&self, schema: &Schema) -> Vec<Term> {
        let mut terms = vec![Term::Rows];
        let mut need = |term| {
            if !terms.contains(&term) {
                terms.push(term);
            }
        };
        for output in &self.outputs {
            match output.expression {
                Expression::Group(_) | Expression::Rows => {}
                Expression::Count(id) => need(count_term(schema, id)),
                Expression::Sum(id) | Expression::Average(id) => {
                    need(count_term(schema, id));
                    need(Term::Sum(id));
                }
            }
        }
        terms
    }

    /// The terms whose values the answer discloses, which noise must protect and the price counts.
    /// The row count is among them only when an output needs it.
    pub fn released_terms(&self, schema: &Schema) -> Vec<Term> {
        let shows_rows = self.outputs.iter().any(|output| match output.expression {
            Expression::Rows => true,
            Expression::Group(_) => false,
            // A sum discloses how many values are in it: NULL when there is none.
            Expression::Count(id) | Expression::Sum(id) | Expression::Average(id) => {
                count_term(schema, id) == Term::Rows
            }
        });
        self.terms(schema).into_iter().filter(|term| *term != Term::Rows || shows_rows).collect()
    }

    /// Number of groups: the product of the sizes of the grouped domains; 1 without GROUP BY.
    pub fn group_count(&self, schema: &Schema) -> u64 {
        self.groups.iter().map(|id| u64::from(schema.column(*id).codes())).fold(1, u64::saturating_mul)
    }

    /// The codes of group number `index`, in the order of `self.groups`.
    pub fn group_key(&self, schema: &Schema, mut index: u64) -> Vec<u32> {
        let mut key = vec![0; self.groups.len()];
        for (slot, id) in key.iter_mut().zip(&self.groups).rev() {
            let size = u64::from(schema.column(*id).codes());
            *slot = u32::try_from(index % size).unwrap_or(u32::MAX);
            index /= size;
        }
        key
    }

    /// Every column it touches, sorted, each once.
    pub fn dimensions(&self) -> Vec<ColumnId> {
        let mut columns = self.predicate.columns();
        columns.extend(&self.groups);
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

/// The term that counts the non-null rows of a column.
pub fn count_term(schema: &Schema, column: ColumnId) -> Term {
    if schema.column(column).nullable { Term::Present(column) } else { Term::Rows }
}
