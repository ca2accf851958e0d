//! From outputs to what must be computed: quantities are summed under encryption for every group;
//! released values follow from them and are what an answer discloses.

use serde::{Deserialize, Serialize};

use super::{
    Query,
    expression::{Expression, Pair, Rank},
    score::Score,
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
    /// The number of rows at each level of a score, from its lowest on.
    Levels {
        /// The score.
        score: Score,
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
    /// The quantities that count the rows it is made of: when any of them is too small, it is withheld.
    /// Of a histogram, the sum of its counts is meant.
    ///
    /// A sum has one for every product in it: `CASE WHEN p THEN 1000000 * x ELSE y END` tells of the rows
    /// of `p` as well as of all together.
    pub support: Vec<usize>,
}

/// How a released integer follows from quantities, named by their positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Derivation {
    /// A sum as it is.
    Sum(usize),
    /// The rows at some levels of a score.
    Band {
        /// The levels.
        levels: usize,
        /// The first level that is counted.
        from: u32,
        /// The first that is not.
        to: u32,
    },
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
            Self::Levels { score, .. } => usize::try_from(score.levels()).unwrap_or(usize::MAX),
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
            Self::Histogram { .. } | Self::Levels { .. } => None,
        }
    }

    /// The smallest and the largest integer that one row adds to it.
    pub fn range(&self, schema: &Schema) -> (i128, i128) {
        match self {
            Self::Sum(branches) => value::range(schema, branches),
            Self::Histogram { .. } | Self::Levels { .. } => (0, 1),
        }
    }

    /// Every predicate in it.
    pub fn predicates(&self) -> Vec<&Predicate> {
        match self {
            Self::Sum(branches) => branches.iter().map(|branch| &branch.when).collect(),
            Self::Histogram { when, .. } | Self::Levels { when, .. } => vec![when],
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
            let positions = needs.output(schema, &query.scores, &output.expression);
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

    /// The levels of a score. Scores are large: it is copied only when it is new.
    fn levels(&mut self, score: &Score, when: &Predicate) -> usize {
        let is_this = |quantity: &Quantity| match quantity {
            Quantity::Levels { score: other, when: among } => when == among && score == other,
            Quantity::Sum(_) | Quantity::Histogram { .. } => false,
        };
        let known = self.quantities.iter().position(is_this);
        known.unwrap_or_else(|| {
            self.quantities.push(Quantity::Levels { score: score.clone(), when: when.clone() });
            self.quantities.len() - 1
        })
    }

    fn release(&mut self, from: Derivation, mut support: Vec<usize>) -> usize {
        support.sort_unstable();
        support.dedup();
        let released = Released { from, support };
        let known = self.released.iter().position(|other| *other == released);
        known.unwrap_or_else(|| {
            self.released.push(released);
            self.released.len() - 1
        })
    }

    fn count(&mut self, when: Predicate) -> usize {
        let quantity = self.quantity(Quantity::count(when));
        self.release(Derivation::Sum(quantity), vec![quantity])
    }

    /// The sum of a value over the rows that `counted` counts, made of these rows.
    fn sum(&mut self, value: Value, counted: usize, of: &[Predicate]) -> usize {
        let mut support = self.released[counted].support.clone();
        support.extend(of.iter().map(|rows| self.quantity(Quantity::count(rows.clone()))));
        let quantity = self.quantity(Quantity::Sum(value.branches));
        self.release(Derivation::Sum(quantity), support)
    }

    fn rank(&mut self, histogram: usize, rank: CodeRank) -> usize {
        self.release(Derivation::Rank { histogram, rank }, vec![histogram])
    }

    fn output(&mut self, schema: &Schema, scores: &[Score], expression: &Expression) -> Vec<usize> {
        // The sizes of products were checked when the query was validated.
        let times = |a: &Value, b: &Value| {
            a.times(schema, b).unwrap_or_else(|| Value { scale: 0, branches: Vec::new() })
        };
        match expression {
            Expression::Group(_) => Vec::new(),
            Expression::Count(when) => vec![self.count(when.clone())],
            Expression::Sum(value) | Expression::Average(value) => {
                let count = self.count(value.rows(schema));
                vec![count, self.sum(value.clone(), count, &value.contributors(schema))]
            }
            Expression::Spread { value, .. } => {
                let count = self.count(value.rows(schema));
                let of = value.contributors(schema);
                vec![count, self.sum(value.clone(), count, &of), self.sum(times(value, value), count, &of)]
            }
            Expression::Pair { statistic, y, x } => {
                let both = Predicate::and(schema, vec![y.rows(schema), x.rows(schema)]);
                let (y, x) = (y.filtered(schema, &both), x.filtered(schema, &both));
                let count = self.count(both);
                let (of_y, of_x) = (y.contributors(schema), x.contributors(schema));
                let mut all =
                    vec![count, self.sum(y.clone(), count, &of_y), self.sum(x.clone(), count, &of_x)];
                all.push(self.sum(times(&y, &x), count, &both_of(schema, &of_y, &of_x)));
                if !matches!(statistic, Pair::CovariancePopulation | Pair::CovarianceSample) {
                    all.push(self.sum(times(&x, &x), count, &of_x));
                }
                if matches!(statistic, Pair::Correlation | Pair::R2) {
                    all.push(self.sum(times(&y, &y), count, &of_y));
                }
                all
            }
            Expression::Band { score, from, to, when } => {
                let Some(score) = scores.get(usize::from(*score)) else { return Vec::new() };
                let (low, high) = score.bounds();
                let level = |at: i64| u32::try_from(at.clamp(low, high + 1) - low).unwrap_or(u32::MAX);
                let (from, to) = (level(*from), level(*to));
                let levels = self.levels(score, when);
                // The rows it is made of are itself.
                vec![self.release(Derivation::Band { levels, from, to }, vec![])]
            }
            Expression::Distinct { column, when } => {
                let histogram = self.quantity(Quantity::Histogram { column: *column, when: when.clone() });
                vec![self.release(Derivation::Distinct(histogram), vec![histogram])]
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

/// The rows of every product of one of these with one of those, without what is plainly of no row.
fn both_of(schema: &Schema, these: &[Predicate], those: &[Predicate]) -> Vec<Predicate> {
    let pairs = these.iter().flat_map(|one| those.iter().map(move |other| (one, other)));
    let both =
        |(one, other): (&Predicate, &Predicate)| Predicate::and(schema, vec![one.clone(), other.clone()]);
    pairs.map(both).filter(|rows| *rows != Predicate::Nothing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::Digest,
        predicate::CodeSet,
        query::{Monomial, Output},
        schema::{Column, Domain, Measure},
    };

    fn schema() -> Schema {
        let column = |name: &str, dimension, measure| Column {
            name: name.to_owned(),
            description: String::new(),
            nullable: name == "y",
            dimension,
            measure,
        };
        let measure = || Some(Measure { scale: 0, min: 0, max: 9 });
        let columns = vec![
            column("d", Some(Domain::Boolean), None),
            column("x", None, measure()),
            column("y", None, measure()),
        ];
        Schema { table: "t".to_owned(), null_values: vec![], columns }
    }

    #[test]
    fn a_sum_is_withheld_unless_every_part_of_it_is_of_many_rows() {
        let schema = schema();
        let few = Predicate::column_in(&schema, ColumnId(0), CodeSet::from_codes([1]));
        let monomial = |coefficient, column| Monomial { coefficient, columns: vec![ColumnId(column)] };
        let branch = |when: &Predicate, monomials: &[Monomial]| Branch {
            when: when.clone(),
            monomials: monomials.to_vec(),
        };
        let supports = |branches: Vec<Branch>| {
            let output =
                Output { name: "s".to_owned(), expression: Expression::Sum(Value { scale: 0, branches }) };
            let dataset = Digest::from_bytes([0; 32]);
            let query = Query {
                dataset,
                outputs: vec![output],
                predicate: Predicate::All,
                groups: vec![],
                scores: vec![],
            };
            let needs = query.requirements(&schema);
            let support = needs.released[needs.outputs[0][1]].support.clone();
            support.iter().filter_map(|s| needs.quantities[*s].counted().cloned()).collect::<Vec<_>>()
        };
        let (all, rest) = (Predicate::All, few.negated(&schema));
        let outweighing = vec![branch(&few, &[monomial(1_000_000, 1)]), branch(&all, &[monomial(1, 1)])];
        assert_eq!(supports(outweighing), [all.clone(), rest, few.clone()]);
        let otherwise_nothing = vec![branch(&few, &[monomial(1, 1)]), branch(&all, &[])];
        assert_eq!(supports(otherwise_nothing), [all.clone(), few]);
        // Not made by SQL, which would leave out the rows where `y` is null.
        let present = Predicate::present(&schema, ColumnId(2));
        assert_eq!(supports(vec![branch(&all, &[monomial(1, 1), monomial(9, 2)])]), [all, present]);
    }
}
