//! Predicates over dimension codes, in a normal form.
//!
//! SQL's three-valued logic is resolved before a predicate is built: an atom lists the codes for
//! which its condition is *true* (null belongs only to IS NULL), and NOT has been pushed to the
//! atoms. What remains is And, Or and sets of codes, flattened, sorted, with atoms on one column
//! merged; two texts of the same condition usually become the same value and the same digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schema::{ColumnId, Schema};

/// The deepest nesting accepted from outside.
pub const MAX_DEPTH: usize = 32;

/// A set of codes as sorted, disjoint, non-adjacent half-open ranges.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeSet(Vec<(u32, u32)>);

/// A condition on a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Predicate {
    /// Every row.
    All,
    /// No row.
    Nothing,
    /// Rows whose code in `column` is in `codes`.
    In {
        /// A dimension, or a nullable measure: that has code 0 where it has a value and 1 where not.
        column: ColumnId,
        /// Neither empty nor the whole domain.
        codes: CodeSet,
    },
    /// All hold; at least two, sorted.
    And(Vec<Predicate>),
    /// At least one holds; at least two, sorted.
    Or(Vec<Predicate>),
}

impl CodeSet {
    /// From half-open ranges in any order; empty ones are dropped.
    pub fn from_ranges(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.retain(|(low, high)| low < high);
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1 => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self(merged)
    }

    /// From single codes in any order.
    pub fn from_codes(codes: impl IntoIterator<Item = u32>) -> Self {
        Self::from_ranges(codes.into_iter().map(|code| (code, code.saturating_add(1))).collect())
    }

    /// The ranges, sorted.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// All codes, ascending.
    pub fn codes(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(low, high)| *low..*high)
    }

    /// Number of codes.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|(low, high)| high - low).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `code` is in the set.
    pub fn contains(&self, code: u32) -> bool {
        self.0.iter().any(|(low, high)| (*low..*high).contains(&code))
    }

    /// Codes in either.
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.0.iter().chain(&other.0).copied().collect())
    }

    /// Codes in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for (low, high) in &self.0 {
            for (other_low, other_high) in &other.0 {
                both.push((*low.max(other_low), *high.min(other_high)));
            }
        }
        Self::from_ranges(both)
    }

    /// Codes of `0..size` that are not in the set.
    pub fn complement(&self, size: u32) -> Self {
        let mut gaps = Vec::new();
        let mut from = 0;
        for (low, high) in &self.0 {
            gaps.push((from, (*low).min(size)));
            from = (*high).min(size);
        }
        gaps.push((from, size));
        Self::from_ranges(gaps)
    }

    fn is_normal(&self) -> bool {
        self.0.iter().all(|(low, high)| low < high) && self.0.windows(2).all(|pair| pair[0].1 < pair[1].0)
    }

    /// Whether it is in its normal form and holds some of `size` codes, but not all.
    pub fn is_proper(&self, size: u32) -> bool {
        self.is_normal() && self.0.last().is_some_and(|(_, high)| *high <= size) && self.len() < size
    }
}

impl Predicate {
    /// A condition on one column, normalised against its number of codes.
    pub fn column_in(schema: &Schema, column: ColumnId, codes: CodeSet) -> Self {
        let size = schema.column(column).marks();
        let codes = codes.intersection(&CodeSet::from_ranges(vec![(0, size)]));
        match codes.len() {
            0 => Self::Nothing,
            all if all == size => Self::All,
            _ => Self::In { column, codes },
        }
    }

    /// The rows that have a value in a column.
    pub fn present(schema: &Schema, column: ColumnId) -> Self {
        match schema.column(column).null_mark() {
            Some(null) => Self::column_in(schema, column, CodeSet::from_ranges(vec![(0, null)])),
            None => Self::All,
        }
    }

    /// The rows for which it does not hold. Two-valued: what SQL finds unknown does not hold.
    pub fn negated(&self, schema: &Schema) -> Self {
        let each = |parts: &[Self]| parts.iter().map(|part| part.negated(schema)).collect();
        match self {
            Self::All => Self::Nothing,
            Self::Nothing => Self::All,
            Self::In { column, codes } => {
                Self::column_in(schema, *column, codes.complement(schema.column(*column).marks()))
            }
            Self::And(parts) => Self::or(schema, each(parts)),
            Self::Or(parts) => Self::and(schema, each(parts)),
        }
    }

    /// Whether it is plain that no row satisfies both. A `false` says nothing.
    pub fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => true,
            (Self::Or(parts), other) | (other, Self::Or(parts)) => {
                parts.iter().all(|part| part.excludes(other))
            }
            (Self::And(parts), other) | (other, Self::And(parts)) => {
                parts.iter().any(|part| part.excludes(other))
            }
            (Self::In { column, codes }, Self::In { column: another, codes: others }) => {
                column == another && codes.intersection(others).is_empty()
            }
            (Self::All, _) | (_, Self::All) => false,
        }
    }

    /// The normal form of a conjunction of normal forms.
    pub fn and(schema: &Schema, parts: Vec<Predicate>) -> Self {
        Self::combine(schema, parts, Junction::And)
    }

    /// The normal form of a disjunction of normal forms.
    pub fn or(schema: &Schema, parts: Vec<Predicate>) -> Self {
        Self::combine(schema, parts, Junction::Or)
    }

    fn combine(schema: &Schema, parts: Vec<Predicate>, junction: Junction) -> Self {
        let (neutral, absorbing) = match junction {
            Junction::And => (Self::All, Self::Nothing),
            Junction::Or => (Self::Nothing, Self::All),
        };
        let mut atoms: BTreeMap<ColumnId, CodeSet> = BTreeMap::new();
        let mut rest = Vec::new();
        let mut queue = parts;
        while let Some(part) = queue.pop() {
            match (part, junction) {
                (Self::And(inner), Junction::And) | (Self::Or(inner), Junction::Or) => {
                    queue.extend(inner);
                }
                (Self::In { column, codes }, _) => {
                    let merged = match (atoms.get(&column), junction) {
                        (None, _) => codes,
                        (Some(seen), Junction::And) => seen.intersection(&codes),
                        (Some(seen), Junction::Or) => seen.union(&codes),
                    };
                    atoms.insert(column, merged);
                }
                (part, _) if part == absorbing => return absorbing,
                (part, _) if part == neutral => {}
                (part, _) => rest.push(part),
            }
        }
        for (column, codes) in atoms {
            match Self::column_in(schema, column, codes) {
                atom if atom == absorbing => return absorbing,
                atom if atom == neutral => {}
                atom => rest.push(atom),
            }
        }
        rest.sort();
        rest.dedup();
        match (rest.len(), junction) {
            (0, _) => neutral,
            (1, _) => rest.remove(0),
            (_, Junction::And) => Self::And(rest),
            (_, Junction::Or) => Self::Or(rest),
        }
    }

    /// Whether a row with these codes is selected; `code` gives the row's code of a column.
    pub fn holds(&self, code: &impl Fn(ColumnId) -> u32) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::In { column, codes } => codes.contains(code(*column)),
            Self::And(parts) => parts.iter().all(|part| part.holds(code)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(code)),
        }
    }

    /// The columns it looks at, sorted, each once.
    pub fn columns(&self) -> Vec<ColumnId> {
        fn collect(predicate: &Predicate, into: &mut Vec<ColumnId>) {
            match predicate {
                Predicate::All | Predicate::Nothing => {}
                Predicate::In { column, .. } => into.push(*column),
                Predicate::And(parts) | Predicate::Or(parts) => {
                    parts.iter().for_each(|part| collect(part, into));
                }
            }
        }
        let mut columns = Vec::new();
        collect(self, &mut columns);
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Whether this is a normal form over `schema`: a query from outside that is not is refused, so
    /// that equal conditions keep equal digests.
    pub fn is_normal(&self, schema: &Schema) -> bool {
        self.is_normal_at(schema, 0)
    }

    fn is_normal_at(&self, schema: &Schema, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        match self {
            Self::All | Self::Nothing => true,
            Self::In { column, codes } => {
                column.index() < schema.columns.len() && codes.is_proper(schema.column(*column).marks())
            }
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().all(|part| part.is_normal_at(schema, depth + 1))
                    && match self {
                        Self::And(_) => Self::and(schema, parts.clone()) == *self,
                        _ => Self::or(schema, parts.clone()) == *self,
                    }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Junction {
    And,
    Or,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, Domain};

    fn schema() -> Schema {
        let column = |name: &str, max| Column {
            name: name.to_owned(),
            description: String::new(),
            nullable: false,
            dimension: Some(Domain::Integer { min: 0, max }),
            measure: None,
        };
        Schema { table: "t".to_owned(), null_values: vec![], columns: vec![column("a", 9), column("b", 3)] }
    }

    fn atom(column: u16, ranges: &[(u32, u32)]) -> Predicate {
        Predicate::column_in(&schema(), ColumnId(column), CodeSet::from_ranges(ranges.to_vec()))
    }

    #[test]
    fn atoms_of_one_column_merge_and_trivial_ones_vanish() {
        let s = schema();
        assert_eq!(Predicate::and(&s, vec![atom(0, &[(0, 5)]), atom(0, &[(3, 10)])]), atom(0, &[(3, 5)]));
        assert_eq!(Predicate::or(&s, vec![atom(0, &[(0, 5)]), atom(0, &[(5, 10)])]), Predicate::All);
        assert_eq!(Predicate::and(&s, vec![atom(0, &[(0, 2)]), atom(0, &[(7, 8)])]), Predicate::Nothing);
        assert_eq!(Predicate::and(&s, vec![]), Predicate::All);
    }

    #[test]
    fn order_and_nesting_do_not_matter() {
        let s = schema();
        let (a, b) = (atom(0, &[(1, 2)]), atom(1, &[(2, 3)]));
        let one = Predicate::and(&s, vec![a.clone(), Predicate::and(&s, vec![b.clone(), a.clone()])]);
        let other = Predicate::and(&s, vec![b, a]);
        assert_eq!(one, other);
        assert!(one.is_normal(&s));
    }

    #[test]
    fn an_unnormal_value_is_noticed() {
        let s = schema();
        let codes = CodeSet::from_ranges(vec![(0, 10)]);
        assert!(!Predicate::In { column: ColumnId(0), codes }.is_normal(&s));
        assert!(!Predicate::In { column: ColumnId(9), codes: CodeSet::from_codes([1]) }.is_normal(&s));
        assert!(!Predicate::And(vec![atom(0, &[(1, 2)])]).is_normal(&s));
    }

    #[test]
    fn a_complement_covers_the_rest() {
        let set = CodeSet::from_ranges(vec![(2, 4), (6, 7)]);
        assert_eq!(set.complement(8).ranges(), &[(0, 2), (4, 6), (7, 8)]);
        assert_eq!(set.union(&set.complement(8)).ranges(), &[(0, 8)]);
    }
}
