//! Cross moments of measures and of indicators of codes: sums of products, asked exactly.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Expression, Value},
    schema::{ColumnId, Schema},
};

use super::{
    ask::{Cell, Table},
    error::TrainError,
    solve::Matrix,
};

/// A number of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// A measure, in its units.
    Measure(ColumnId),
    /// 1 for one code of a dimension, else 0.
    Code(ColumnId, u32),
}

/// Which statistics hold the moments of some terms.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    terms: Vec<Term>,
    /// By pair `i <= j`, the position of the expression; `None` where the product is always 0.
    products: Vec<Option<usize>>,
    expressions: Vec<Expression>,
}

/// Moments as released.
#[derive(Debug, Clone)]
pub(super) struct Released {
    /// Rows.
    pub(super) rows: Cell,
    /// Of each term.
    pub(super) sums: Vec<Cell>,
    /// By pair, both ways.
    pub(super) products: Vec<Vec<Cell>>,
    /// Whether all of them are the true ones: neither withheld nor noised.
    pub(super) is_exact: bool,
}

impl Term {
    fn when(self, schema: &Schema) -> Option<Predicate> {
        match self {
            Self::Measure(_) => None,
            Self::Code(column, code) => {
                Some(Predicate::column_in(schema, column, CodeSet::from_codes([code])))
            }
        }
    }

    /// What sums it over the rows.
    fn sum(self, schema: &Schema) -> Expression {
        match self {
            Self::Measure(column) => Expression::Sum(Value::measure(schema, column)),
            Self::Code(column, code) => {
                Expression::Count(Predicate::column_in(schema, column, CodeSet::from_codes([code])))
            }
        }
    }

    /// What sums the product of both; `None` when that is 0.
    fn product(self, other: Self, schema: &Schema) -> Result<Option<Expression>, TrainError> {
        let value = |column| Value::measure(schema, column);
        Ok(match (self, other) {
            (Self::Measure(x), Self::Measure(y)) => {
                let product = value(x).times(schema, &value(y));
                Some(Expression::Sum(product.ok_or_else(|| {
                    TrainError::column(
                        &schema.column(x).name,
                        "its products do not fit 64 bits: use a coarser scale",
                    )
                })?))
            }
            (Self::Measure(column), code) | (code, Self::Measure(column)) => {
                code.when(schema).map(|when| Expression::Sum(value(column).filtered(schema, &when)))
            }
            (Self::Code(a, i), Self::Code(b, j)) if a == b && i != j => None,
            (a, b) => {
                let both = a.when(schema).into_iter().chain(b.when(schema)).collect();
                Some(Expression::Count(Predicate::and(schema, both)))
            }
        })
    }
}

impl Moments {
    /// Of these terms.
    ///
    /// # Errors
    /// When a product is too large.
    pub(super) fn new(schema: &Schema, terms: Vec<Term>) -> Result<Self, TrainError> {
        let mut expressions = vec![Expression::Count(Predicate::All)];
        expressions.extend(terms.iter().map(|term| term.sum(schema)));
        let mut products = Vec::with_capacity(terms.len() * (terms.len() + 1) / 2);
        for (i, one) in terms.iter().enumerate() {
            for (j, other) in terms.iter().enumerate().skip(i) {
                let same_code = i == j && matches!(one, Term::Code(..));
                if same_code {
                    // The square of an indicator is itself.
                    products.push(Some(1 + j));
                    continue;
                }
                let position = one.product(*other, schema)?.map(|expression| {
                    expressions.push(expression);
                    expressions.len() - 1
                });
                products.push(position);
            }
        }
        Ok(Self { terms, products, expressions })
    }

    /// What is asked.
    pub(super) fn expressions(&self) -> &[Expression] {
        &self.expressions
    }

    /// From the answer, without groups.
    pub(super) fn read(&self, table: &Table) -> Released {
        const ZERO: Cell = Cell { value: Some(0), deviation: 0.0 };
        let last = |position: usize| table.parts(position, 0).last().copied().unwrap_or(ZERO);
        let n = self.terms.len();
        // Row by row of the upper half.
        let position = |i: usize, j: usize| i * n - i * (i + 1) / 2 + j;
        let product = |i: usize, j: usize| self.products[position(i.min(j), i.max(j))].map_or(ZERO, last);
        let products = (0..n).map(|i| (0..n).map(|j| product(i, j)).collect()).collect();
        let sums = (1..=n).map(last).collect();
        Released { rows: last(0), sums, products, is_exact: table.is_exact() }
    }
}

impl Released {
    /// Sums of products of deviations from the means, in units of the terms. Differences are taken
    /// between exact integers, so that large means cost no precision.
    pub(super) fn centred(&self) -> Matrix {
        let rows = i128::from(self.rows.or_zero());
        let entry = |i: usize, j: usize| {
            let product = i128::from(self.products[i][j].or_zero()) * rows;
            let means = i128::from(self.sums[i].or_zero()) * i128::from(self.sums[j].or_zero());
            (product - means) as f64 / rows as f64
        };
        let n = self.sums.len();
        (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect()
    }

    /// Means, in units of the terms.
    pub(super) fn means(&self) -> Vec<f64> {
        let rows = self.rows.or_zero() as f64;
        self.sums.iter().map(|sum| sum.or_zero() as f64 / rows).collect()
    }
}
