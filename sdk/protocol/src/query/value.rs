//! Numbers of single rows: exact integers, piecewise polynomials in the measures of a row.
//!
//! `a * (1 - b)`, `CASE WHEN p THEN x ELSE 0 END` and `x FILTER (WHERE p)` all become the same thing:
//! branches, tried in order, each a sum of products of measures. SQL's NULL is resolved before a
//! value is built: a row that no branch takes has no value, and a branch is taken by those rows only
//! where its columns have values.

use serde::{Deserialize, Serialize};

use crate::{
    predicate::Predicate,
    schema::{ColumnId, Schema},
};

/// The most branches of a value.
pub const MAX_BRANCHES: usize = 256;
/// The most monomials of a branch.
pub const MAX_MONOMIALS: usize = 64;
/// The most measures multiplied with each other.
pub const MAX_FACTORS: usize = 6;
/// The most decimal places of a value: one unit fits 64 bits.
pub const MAX_VALUE_SCALE: u8 = 18;

/// A number of a row in units of `10^-scale`, or none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// Decimal places.
    pub scale: u8,
    /// The first branch that takes a row gives its value; a row that none takes has none.
    pub branches: Vec<Branch>,
}

/// A polynomial for some of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Which rows it takes.
    pub when: Predicate,
    /// Their sum is the value; none means 0.
    pub monomials: Vec<Monomial>,
}

/// A constant times a product of measures, each in units of its own scale; a measure that a row has
/// no value of counts as 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monomial {
    /// The constant.
    pub coefficient: i64,
    /// The factors, sorted; a square has its column twice, a constant has none.
    pub columns: Vec<ColumnId>,
}

impl Monomial {
    /// A constant.
    pub const fn constant(coefficient: i64) -> Self {
        Self { coefficient, columns: Vec::new() }
    }

    /// A measure as it is.
    pub fn column(column: ColumnId) -> Self {
        Self { coefficient: 1, columns: vec![column] }
    }

    /// The smallest and the largest value over all rows that fit the schema.
    fn range(&self, schema: &Schema) -> (i128, i128) {
        let coefficient = i128::from(self.coefficient);
        self.columns.iter().fold((coefficient, coefficient), |range, id| {
            let described = schema.column(*id);
            let Some(measure) = &described.measure else { return (0, 0) };
            let (mut low, mut high) = (i128::from(measure.min), i128::from(measure.max));
            if described.nullable {
                (low, high) = (low.min(0), high.max(0));
            }
            multiply(range, (low, high))
        })
    }
}

/// The range of a product of two numbers within ranges.
pub(crate) fn multiply(a: (i128, i128), b: (i128, i128)) -> (i128, i128) {
    let products =
        [a.0.saturating_mul(b.0), a.0.saturating_mul(b.1), a.1.saturating_mul(b.0), a.1.saturating_mul(b.1)];
    (products.iter().copied().min().unwrap_or(0), products.iter().copied().max().unwrap_or(0))
}

impl Branch {
    /// The constant 1 for some rows: what a count sums.
    pub fn one(when: Predicate) -> Self {
        Self { when, monomials: vec![Monomial::constant(1)] }
    }

    /// With equal products added up and sorted, and without those that vanish; `None` when a
    /// coefficient exceeds 64 bits.
    pub fn collected(when: Predicate, mut monomials: Vec<Monomial>) -> Option<Self> {
        monomials.iter_mut().for_each(|monomial| monomial.columns.sort_unstable());
        monomials.sort_unstable_by(|a, b| a.columns.cmp(&b.columns));
        let mut kept: Vec<Monomial> = Vec::with_capacity(monomials.len());
        for monomial in monomials {
            match kept.last_mut() {
                Some(last) if last.columns == monomial.columns => {
                    last.coefficient = last.coefficient.checked_add(monomial.coefficient)?;
                }
                _ => kept.push(monomial),
            }
        }
        kept.retain(|monomial| monomial.coefficient != 0);
        Some(Self { when, monomials: kept })
    }

    /// The smallest and the largest value over all rows that fit the schema.
    pub fn range(&self, schema: &Schema) -> (i128, i128) {
        self.monomials.iter().map(|monomial| monomial.range(schema)).fold((0, 0), |sum, range| {
            (i128::saturating_add(sum.0, range.0), i128::saturating_add(sum.1, range.1))
        })
    }
}

impl Value {
    /// A measure, for the rows that have it.
    pub fn measure(schema: &Schema, column: ColumnId) -> Self {
        let scale = schema.column(column).measure.as_ref().map_or(0, |measure| measure.scale);
        let when = Predicate::present(schema, column);
        Self { scale, branches: vec![Branch { when, monomials: vec![Monomial::column(column)] }] }
    }

    /// The same value, for those rows only that satisfy `condition` too.
    pub fn filtered(&self, schema: &Schema, condition: &Predicate) -> Self {
        let branches = self.branches.iter().map(|branch| Branch {
            when: Predicate::and(schema, vec![branch.when.clone(), condition.clone()]),
            monomials: branch.monomials.clone(),
        });
        Self { scale: self.scale, branches: branches.collect() }.without_empty()
    }

    /// The product of two values, for the rows that have both; `None` when a coefficient exceeds 64
    /// bits.
    ///
    /// Of the pairs in lexicographic order, the first whose branches both take a row consists of the
    /// first branch of either that takes it.
    pub fn times(&self, schema: &Schema, other: &Self) -> Option<Self> {
        let mut branches = Vec::with_capacity(self.pairs(other));
        for one in &self.branches {
            for another in &other.branches {
                if one.when.excludes(&another.when) {
                    continue;
                }
                let when = Predicate::and(schema, vec![one.when.clone(), another.when.clone()]);
                let mut monomials = Vec::with_capacity(one.monomials.len() * another.monomials.len());
                for a in &one.monomials {
                    for b in &another.monomials {
                        monomials.push(Monomial {
                            coefficient: a.coefficient.checked_mul(b.coefficient)?,
                            columns: [a.columns.as_slice(), b.columns.as_slice()].concat(),
                        });
                    }
                }
                branches.push(Branch::collected(when, monomials)?);
            }
        }
        Some(Self { scale: self.scale.checked_add(other.scale)?, branches }.without_empty())
    }

    /// The sum of two values, for the rows that have both; `None` when a coefficient exceeds 64 bits.
    /// Branches pair up as in [`Value::times`].
    pub fn plus(&self, schema: &Schema, other: &Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let (left, right) = (self.rescaled(scale)?, other.rescaled(scale)?);
        let mut branches = Vec::with_capacity(left.pairs(&right));
        for one in &left.branches {
            for another in &right.branches {
                if one.when.excludes(&another.when) {
                    continue;
                }
                let when = Predicate::and(schema, vec![one.when.clone(), another.when.clone()]);
                let monomials = [one.monomials.as_slice(), another.monomials.as_slice()].concat();
                branches.push(Branch::collected(when, monomials)?);
            }
        }
        Some(Self { scale, branches }.without_empty())
    }

    /// The same value with more decimal places; `None` when a coefficient exceeds 64 bits or `scale` is
    /// smaller.
    pub fn rescaled(&self, scale: u8) -> Option<Self> {
        let unit = 10i64.checked_pow(u32::from(scale.checked_sub(self.scale)?))?;
        let mut value = Self { scale, branches: self.branches.clone() };
        for monomial in value.branches.iter_mut().flat_map(|branch| &mut branch.monomials) {
            monomial.coefficient = monomial.coefficient.checked_mul(unit)?;
        }
        Some(value)
    }

    /// How many pairs of branches, one of each value, may take the same row: the branches that a sum or
    /// a product of the two has. Of very many, all are counted: looking at each takes time.
    pub fn pairs(&self, other: &Self) -> usize {
        const LOOKED_AT: usize = 4_096;
        let all = self.branches.len() * other.branches.len();
        if all > LOOKED_AT {
            return all;
        }
        let meeting = |one: &Branch| other.branches.iter().filter(|b| !b.when.excludes(&one.when)).count();
        self.branches.iter().map(meeting).sum()
    }

    /// The rows that have a value: those that any branch takes.
    pub fn rows(&self, schema: &Schema) -> Predicate {
        Predicate::or(schema, self.branches.iter().map(|branch| branch.when.clone()).collect())
    }

    /// For every product in it, the rows that it is made of, each set of rows once: a sum of it tells of
    /// each of these, for a product may be given any weight.
    pub fn contributors(&self, schema: &Schema) -> Vec<Predicate> {
        let mut rows: Vec<(&Monomial, Predicate)> = Vec::new();
        for (position, branch) in self.branches.iter().enumerate() {
            let taken = taken(schema, &self.branches, position);
            for monomial in &branch.monomials {
                let mut parts = vec![taken.clone()];
                parts.extend(monomial.columns.iter().map(|column| Predicate::present(schema, *column)));
                let these = Predicate::and(schema, parts);
                match rows.iter_mut().find(|(other, _)| *other == monomial) {
                    Some((_, all)) => *all = Predicate::or(schema, vec![all.clone(), these]),
                    None => rows.push((monomial, these)),
                }
            }
        }
        let mut rows: Vec<_> = rows.into_iter().map(|(_, rows)| rows).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// The columns it multiplies, sorted, each once.
    pub fn measures(&self) -> Vec<ColumnId> {
        let monomials = self.branches.iter().flat_map(|branch| &branch.monomials);
        let mut columns: Vec<_> = monomials.flat_map(|monomial| monomial.columns.iter().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn without_empty(mut self) -> Self {
        self.branches.retain(|branch| branch.when != Predicate::Nothing);
        self
    }
}

/// The rows that branch number `position` takes: those of its predicate that no earlier one takes.
pub fn taken(schema: &Schema, branches: &[Branch], position: usize) -> Predicate {
    let when = &branches[position].when;
    let earlier = branches[..position].iter().filter(|other| !other.when.excludes(when));
    let mut parts = vec![when.clone()];
    parts.extend(earlier.map(|other| other.when.negated(schema)));
    Predicate::and(schema, parts)
}

/// The smallest and the largest value of branches over all rows that fit the schema, with 0 for the
/// rows that none takes.
pub fn range(schema: &Schema, branches: &[Branch]) -> (i128, i128) {
    branches
        .iter()
        .map(|branch| branch.range(schema))
        .fold((0, 0), |all, range| (all.0.min(range.0), all.1.max(range.1)))
}
