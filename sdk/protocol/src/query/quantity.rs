//! From outputs to what must be computed: quantities are summed under encryption for every group;
//! released values follow from them and are what an answer discloses.

use serde::{Deserialize, Serialize};

use super::{
    Query,
    expression::{Expression, Pair, Rank},
    value::{self, Branch, Value},
};
use crate::{
    predicate::Predicate,
    schema::{ColumnId, Schema},
};

/// Integers of every group that are computed under encryption.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Quantity {
    /// The sum of a piecewise polynomial over the rows; a row that no branch takes adds 0.
    Sum(Vec<Branch>),
    /// The number of rows with each code of a dimension but null, in order.
    Histogram {
        /// The dimension.
        column: ColumnId,
        /// Among which rows.
        when: Predicate,
    },
}

/// One integer that an answer discloses of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// How it follows from the quantities.
    pub from: Derivation,
    /// The quantity that counts the rows it is made of: when they are too few it is withheld. For a
    /// histogram, the sum of its counts.
    pub support: usize,
}

/// How a released integer follows from quantities, named by their positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Derivation {
    /// A sum as it is.
    Sum(usize),
    /// The number of codes of a histogram with at least one row.
    Distinct(usize),
    /// The code at a rank of a histogram.
    Rank {
        /// The histogram.
        histogram: usize,
        /// Which rank.
        rank: CodeRank,
    },
}

/// A rank whose answer is one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeRank {
    /// The first code that occurs.
    Lowest,
    /// The last code that occurs.
    Highest,
    /// The lower of the two middle values.
    LowerMedian,
    /// The upper of the two middle values.
    UpperMedian,
    /// The smallest code that this many millionths of the values do not exceed.
    Percentile(u32),
}

/// Everything a query needs, each once, in the order of first use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirements {
    /// What is computed of every group. The first is the number of rows: the cohort is always checked.
    pub quantities: Vec<Quantity>,
    /// What is disclosed of every group.
    pub released: Vec<Released>,
    /// For every output of the query, the positions of the released values it is made of, in the
    /// order that [`crate::answer`] knows for its expression.
    pub outputs: Vec<Vec<usize>>,
}

impl Quantity {
    /// The number of rows that satisfy a predicate.
    pub fn count(when: Predicate) -> Self {
        match when {
            Predicate::Nothing => Self::Sum(Vec::new()),
            when => Self::Sum(vec![Branch::one(when)]),
        }
    }

    /// How many integers it is for each group.
    pub fn size(&self, schema: &Schema) -> usize {
        match self {
            Self::Sum(_) => 1,
            Self::Histogram { column, .. } => histogram_size(schema, *column) as usize,
        }
    }

    /// The predicate it counts, if it is a count.
    pub fn counted(&self) -> Option<&Predicate> {
        match self {
            Self::Sum(branches) => match branches.as_slice() {
                [Branch { when, monomials }] if is_one(monomials) => Some(when),
                [] => Some(&Predicate::Nothing),
                _ => None,
            },
            Self::Histogram { .. } => None,
        }
    }

    /// The smallest and the largest integer that one row adds to it.
    pub fn range(&self, schema: &Schema) -> (i128, i128) {
        match self {
            Self::Sum(branches) => value::range(schema, branches),
            Self::Histogram { .. } => (0, 1),
        }
    }

    /// Every predicate in it.
    pub fn predicates(&self) -> Vec<&Predicate> {
        match self {
            Self::Sum(branches) => branches.iter().map(|branch| &branch.when).collect(),
            Self::Histogram { when, .. } => vec![when],
        }
    }
}

fn is_one(monomials: &[value::Monomial]) -> bool {
    matches!(monomials, [one] if one.coefficient == 1 && one.columns.is_empty())
}

/// Codes of a dimension, null not counted.
pub fn histogram_size(schema: &Schema, column: ColumnId) -> u32 {
    schema.column(column).dimension.as_ref().map_or(0, crate::schema::Domain::size)
}

impl Requirements {
    /// What `query`, which is valid over `schema`, needs.
    pub(super) fn of(query: &Query, schema: &Schema) -> Self {
        let mut needs = Self::default();
        needs.quantity(Quantity::count(Predicate::All));
        for output in &query.outputs {
            let positions = needs.output(schema, &output.expression);
            needs.outputs.push(positions);
        }
        needs
    }

    /// How many integers are computed of every group.
    pub fn size(&self, schema: &Schema) -> usize {
        self.quantities.iter().map(|quantity| quantity.size(schema)).sum()
    }

    fn quantity(&mut self, quantity: Quantity) -> usize {
        let known = self.quantities.iter().position(|other| *other == quantity);
        known.unwrap_or_else(|| {
            self.quantities.push(quantity);
            self.quantities.len() - 1
        })
    }

    fn release(&mut self, from: Derivation, support: usize) -> usize {
        let released = Released { from, support };
        let known = self.released.iter().position(|other| *other == released);
        known.unwrap_or_else(|| {
            self.released.push(released);
            self.released.len() - 1
        })
    }

    fn count(&mut self, when: Predicate) -> usize {
        let quantity = self.quantity(Quantity::count(when));
        self.release(Derivation::Sum(quantity), quantity)
    }

    /// The sum of a value over the rows that `counted` counts.
    fn sum(&mut self, value: Value, counted: usize) -> usize {
        let support = self.released[counted].support;
        let quantity = self.quantity(Quantity::Sum(value.branches));
        self.release(Derivation::Sum(quantity), support)
    }

    fn rank(&mut self, histogram: usize, rank: CodeRank) -> usize {
        self.release(Derivation::Rank { histogram, rank }, histogram)
    }

    fn output(&mut self, schema: &Schema, expression: &Expression) -> Vec<usize> {
        // The sizes of products were checked when the query was validated.
        let times = |a: &Value, b: &Value| {
            a.times(schema, b).unwrap_or_else(|| Value { scale: 0, branches: Vec::new() })
        };
        match expression {
            Expression::Group(_) => Vec::new(),
            Expression::Count(when) => vec![self.count(when.clone())],
            Expression::Sum(value) | Expression::Average(value) => {
                let count = self.count(value.rows(schema));
                vec![count, self.sum(value.clone(), count)]
            }
            Expression::Spread { value, .. } => {
                let count = self.count(value.rows(schema));
                vec![count, self.sum(value.clone(), count), self.sum(times(value, value), count)]
            }
            Expression::Pair { statistic, y, x } => {
                let both = Predicate::and(schema, vec![y.rows(schema), x.rows(schema)]);
                let (y, x) = (y.filtered(schema, &both), x.filtered(schema, &both));
                let count = self.count(both);
                let mut all = vec![count, self.sum(y.clone(), count), self.sum(x.clone(), count)];
                all.push(self.sum(times(&y, &x), count));
                if !matches!(statistic, Pair::CovariancePopulation | Pair::CovarianceSample) {
                    all.push(self.sum(times(&x, &x), count));
                }
                if matches!(statistic, Pair::Correlation | Pair::R2) {
                    all.push(self.sum(times(&y, &y), count));
                }
                all
            }
            Expression::Distinct { column, when } => {
                let histogram = self.quantity(Quantity::Histogram { column: *column, when: when.clone() });
                vec![self.release(Derivation::Distinct(histogram), histogram)]
            }
            Expression::Quantile { rank, column, when } => {
                let histogram = self.quantity(Quantity::Histogram { column: *column, when: when.clone() });
                match rank {
                    Rank::Lowest => vec![self.rank(histogram, CodeRank::Lowest)],
                    Rank::Highest => vec![self.rank(histogram, CodeRank::Highest)],
                    Rank::Median => vec![
                        self.rank(histogram, CodeRank::LowerMedian),
                        self.rank(histogram, CodeRank::UpperMedian),
                    ],
                    Rank::Percentile(share) => vec![self.rank(histogram, CodeRank::Percentile(*share))],
                }
            }
        }
    }
}
