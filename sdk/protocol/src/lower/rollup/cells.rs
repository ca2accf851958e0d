//! What the pieces of a rollup are sums of: the sums that the owner stored in every cell.

use crate::{
    layout::{CellSum, RollupLayout},
    lower::{
        LowerError, describe_measure,
        pieces::{self, Pieces},
    },
    predicate::Predicate,
    query::{Monomial, Quantity, Query},
    schema::{ColumnId, Schema},
};

/// Takes the quantities of a query apart. The predicate of the query is in every piece.
pub(super) fn pieces(
    schema: &Schema,
    layout: &RollupLayout,
    query: &Query,
) -> Result<Pieces<CellSum>, LowerError> {
    let mut split = Split { schema, layout, predicate: &query.predicate, pieces: Pieces::new() };
    for quantity in query.requirements(schema).quantities {
        split.quantity(&quantity)?;
    }
    Ok(split.pieces)
}

struct Split<'a> {
    schema: &'a Schema,
    layout: &'a RollupLayout,
    predicate: &'a Predicate,
    pieces: Pieces<CellSum>,
}

/// A conjunction, taken apart into what cells can tell and which columns must have a value.
struct Rows {
    cells: Predicate,
    present: Vec<ColumnId>,
}

impl Split<'_> {
    fn quantity(&mut self, quantity: &Quantity) -> Result<(), LowerError> {
        match quantity {
            Quantity::Histogram { column, when } => {
                for code in 0..quantity.size(self.schema) {
                    let code = u32::try_from(code).unwrap_or(u32::MAX);
                    self.pieces.begin();
                    let rows = pieces::at_code(self.schema, when, *column, code);
                    self.count(&self.asked(&rows), 1)?;
                }
            }
            Quantity::Levels { .. } => return Err(LowerError::Scores),
            Quantity::Sum(branches) => {
                self.pieces.begin();
                for (when, monomials) in pieces::effective(self.schema, branches) {
                    let rows = self.asked(&when);
                    for monomial in monomials {
                        self.monomial(&rows, monomial)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn asked(&self, when: &Predicate) -> Predicate {
        Predicate::and(self.schema, vec![self.predicate.clone(), when.clone()])
    }

    fn monomial(&mut self, rows: &Predicate, monomial: &Monomial) -> Result<(), LowerError> {
        let weight = i128::from(monomial.coefficient);
        match monomial.columns[..] {
            [] => self.count(rows, weight),
            [x] => {
                self.sum(rows, CellSum::Sum(x), &[x], weight)?;
                self.count(&self.having(rows, &[x]), weight * self.min(x))
            }
            [x, y] if x == y => {
                self.sum(rows, CellSum::SumOfSquares(x), &[x], weight)?;
                self.sum(rows, CellSum::Sum(x), &[x], 2 * weight * self.min(x))?;
                self.count(&self.having(rows, &[x]), weight * self.min(x) * self.min(x))
            }
            [x, y] => {
                let both = self.having(rows, &[x, y]);
                self.sum(rows, self.product(x, y), &[x, y], weight)?;
                self.sum(&both, CellSum::Sum(y), &[y], weight * self.min(x))?;
                self.sum(&both, CellSum::Sum(x), &[x], weight * self.min(y))?;
                self.count(&both, weight * self.min(x) * self.min(y))
            }
            _ => Err(LowerError::NotStored("sums of products of more than two measures".to_owned())),
        }
    }

    fn product(&self, x: ColumnId, y: ColumnId) -> CellSum {
        let swapped = CellSum::Product(y, x);
        if self.is_stored(swapped) { swapped } else { CellSum::Product(x, y) }
    }

    /// The number of rows, so many times.
    fn count(&mut self, rows: &Predicate, weight: i128) -> Result<(), LowerError> {
        if weight == 0 || *rows == Predicate::Nothing {
            return Ok(());
        }
        let Rows { cells, present } = self.split(rows, true)?;
        let sum = match present[..] {
            [] => CellSum::Rows,
            [column] => CellSum::Present(column),
            _ => return Err(self.several(&present)),
        };
        self.push(cells, sum, weight)
    }

    /// A stored sum of `columns`, which is 0 where one of them has no value.
    fn sum(
        &mut self,
        rows: &Predicate,
        sum: CellSum,
        columns: &[ColumnId],
        weight: i128,
    ) -> Result<(), LowerError> {
        if weight == 0 || *rows == Predicate::Nothing {
            return Ok(());
        }
        let Rows { cells, present } =
            self.split(&pieces::without_presence(self.schema, rows, columns), false)?;
        if present.is_empty() { self.push(cells, sum, weight) } else { Err(self.several(&present)) }
    }

    fn push(&mut self, cells: Predicate, sum: CellSum, weight: i128) -> Result<(), LowerError> {
        if !self.is_stored(sum) {
            return Err(LowerError::NotStored(describe(self.schema, sum)));
        }
        self.pieces.add(cells, sum, weight, 0);
        Ok(())
    }

    fn is_stored(&self, sum: CellSum) -> bool {
        self.layout.arrays.iter().any(|array| array.sum == sum)
    }

    /// The rows that have a value in all of `columns`, too.
    fn having(&self, rows: &Predicate, columns: &[ColumnId]) -> Predicate {
        let mut parts = vec![rows.clone()];
        parts.extend(columns.iter().map(|column| Predicate::present(self.schema, *column)));
        Predicate::and(self.schema, parts)
    }

    /// Of the columns that must have a value, one can be counted by an array of its own (`counted`); of
    /// the others, cells can tell if they are dimensions.
    fn split(&self, rows: &Predicate, counted: bool) -> Result<Rows, LowerError> {
        let parts = match rows {
            Predicate::And(parts) => parts.clone(),
            Predicate::All => Vec::new(),
            other => vec![other.clone()],
        };
        let (mut cells, mut present, mut either) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match &part {
                Predicate::In { column, .. } if part == Predicate::present(self.schema, *column) => {
                    let dimension = self.schema.column(*column).dimension.is_some();
                    if dimension { either.push((*column, part.clone())) } else { present.push(*column) }
                }
                _ => cells.push(part),
            }
        }
        if counted && present.is_empty() && either.len() == 1 {
            present.extend(either.drain(..).map(|(column, _)| column));
        }
        cells.extend(either.into_iter().map(|(_, part)| part));
        let cells = Predicate::and(self.schema, cells);
        match cells.columns().into_iter().find(|id| self.schema.column(*id).dimension.is_none()) {
            Some(column) => Err(self.several(&[column])),
            None => Ok(Rows { cells, present }),
        }
    }

    fn several(&self, columns: &[ColumnId]) -> LowerError {
        let names: Vec<_> = columns.iter().map(|id| format!("`{}`", self.schema.column(*id).name)).collect();
        LowerError::NotStored(format!("which rows have values of {} in such a condition", names.join(", ")))
    }

    fn min(&self, column: ColumnId) -> i128 {
        self.schema.column(column).measure.as_ref().map_or(0, |measure| i128::from(measure.min))
    }
}

/// A stored sum in words, for an error.
pub(super) fn describe(schema: &Schema, sum: CellSum) -> String {
    let name = |id| &schema.column(id).name;
    match sum {
        CellSum::Rows => "the number of rows".to_owned(),
        CellSum::Present(id) => format!("the number of values of `{}`", name(id)),
        CellSum::Sum(id) => describe_measure(schema, id),
        CellSum::SumOfSquares(id) => format!("the squares of `{}`", name(id)),
        CellSum::Product(one, other) => format!("the products of `{}` and `{}`", name(one), name(other)),
    }
}
