//! How large a query may be that comes as it is, not as SQL. SQL is limited by its text; a tree of
//! conditions could make the compilers compare every part of it with every other.

use super::{Expression, GroupKey, Query, QueryError, Score, ScoreNode, ScoreTerm, Value};
use crate::{predicate::Predicate, schema::Schema};

/// The most parts of all conditions of outputs together: junctions, and ranges of codes.
pub const MAX_OUTPUT_PARTS: usize = 2_048;
/// The most parts of the predicate and of all grouping keys together.
pub const MAX_KEY_PARTS: usize = 4_096;
/// The most parts of all scores together: nodes of trees with the ranges of codes they ask for, and tables
/// by sixteen codes. A hundred trees of depth 6 have about 13,000.
pub const MAX_SCORE_PARTS: usize = 32_768;
/// Classes from which on no two of a key may take the same row: what earlier classes take need not be
/// excluded then.
pub const MAX_OVERLAPPING: usize = 64;
/// The most comparisons of the parts of a key's classes, over all groups.
pub const MAX_COMPARISONS: u64 = 1 << 25;
/// The longest name or label, in characters.
pub const MAX_LABEL: usize = 256;

impl Query {
    /// Checks that names and labels are short, and have no control characters.
    ///
    /// # Errors
    /// When one is or has not.
    pub fn check_labels(&self) -> Result<(), QueryError> {
        let labels = self.groups.iter().map(|key| match key {
            GroupKey::Classes { classes, .. } => {
                classes.iter().filter_map(|class| class.label.as_ref()).collect()
            }
            GroupKey::Largest { labels, .. } => labels.iter().collect(),
            GroupKey::Codes(_) => Vec::new(),
        });
        let mut texts = self.outputs.iter().map(|output| &output.name).chain(labels.flatten());
        if texts.any(|text| text.chars().count() > MAX_LABEL || text.chars().any(char::is_control)) {
            return Err(QueryError::Label);
        }
        Ok(())
    }

    /// Checks that compiling the query is little work. Its columns may still be anything.
    ///
    /// # Errors
    /// What is too large.
    pub fn check_size(&self, schema: &Schema) -> Result<(), QueryError> {
        let most = |found: usize, limit: usize| {
            if found > limit { Err(QueryError::Parts { found, limit }) } else { Ok(()) }
        };
        most(self.outputs.iter().map(|output| of_expression(&output.expression)).sum(), MAX_OUTPUT_PARTS)?;
        let of_keys: usize = self.groups.iter().map(of_key).sum();
        most(parts(&self.predicate).saturating_add(of_keys), MAX_KEY_PARTS)?;
        let compared = self.groups.iter().filter_map(|key| match key {
            // Each is compared with every other.
            GroupKey::Largest { scores, .. } => Some((scores, scores.len())),
            GroupKey::Codes(_) | GroupKey::Classes { .. } => None,
        });
        let of_keys = compared.map(|(scores, times)| of_scores(scores).saturating_mul(times)).sum::<usize>();
        let found = of_scores(&self.scores).saturating_add(of_keys);
        if found > MAX_SCORE_PARTS {
            return Err(QueryError::ScoreParts { found, limit: MAX_SCORE_PARTS });
        }
        self.groups.iter().try_for_each(|key| self.check_key(schema, key))
    }

    fn check_key(&self, schema: &Schema, key: &GroupKey) -> Result<(), QueryError> {
        let GroupKey::Classes { classes, .. } = key else { return Ok(()) };
        let known = self.groups.iter().all(|key| match key {
            GroupKey::Codes(id) => id.index() < schema.columns.len(),
            GroupKey::Classes { .. } | GroupKey::Largest { .. } => true,
        });
        // A column that there is not is refused by name later.
        let groups = if known { self.group_count(schema) } else { 1 };
        let (mut earlier, mut compared) = (0u64, 0u64);
        for class in classes {
            let of_class = parts(&class.when) as u64;
            compared += earlier * of_class;
            earlier += of_class;
        }
        let comparisons = compared.saturating_mul(groups / (classes.len() as u64).max(1));
        if comparisons > MAX_COMPARISONS {
            return Err(QueryError::Comparisons(comparisons));
        }
        let overlaps = |(at, class): (usize, &super::Class)| {
            classes[..at].iter().any(|other| !other.when.excludes(&class.when))
        };
        if classes.len() > MAX_OVERLAPPING && classes.iter().enumerate().any(overlaps) {
            return Err(QueryError::Overlapping(classes.len()));
        }
        Ok(())
    }
}

/// Junctions and ranges of codes.
fn parts(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::All | Predicate::Nothing => 1,
        Predicate::In { codes, .. } => codes.ranges().len().max(1),
        Predicate::And(inner) | Predicate::Or(inner) => 1 + inner.iter().map(parts).sum::<usize>(),
    }
}

fn of_key(key: &GroupKey) -> usize {
    match key {
        GroupKey::Codes(_) | GroupKey::Largest { .. } => 1,
        GroupKey::Classes { classes, .. } => classes.iter().map(|class| parts(&class.when)).sum(),
    }
}

fn of_value(value: &Value) -> usize {
    value.branches.iter().map(|branch| parts(&branch.when)).sum()
}

/// Scores are compiled once each, in time that grows with their parts.
fn of_scores(scores: &[Score]) -> usize {
    let of_node = |node: &ScoreNode| match node {
        ScoreNode::Split { codes, .. } => 1 + codes.ranges().len(),
        ScoreNode::Leaf(_) => 1,
    };
    let of_term = |term: &ScoreTerm| match term {
        ScoreTerm::Codes { values, .. } => values.len().div_ceil(16),
        ScoreTerm::Tree(nodes) => nodes.iter().map(of_node).sum(),
    };
    scores.iter().flat_map(|score| &score.terms).map(of_term).sum()
}

fn of_expression(expression: &Expression) -> usize {
    match expression {
        Expression::Group(_) => 1,
        Expression::Count(when)
        | Expression::Band { when, .. }
        | Expression::Distinct { when, .. }
        | Expression::Quantile { when, .. } => parts(when),
        Expression::Sum(value) | Expression::Average(value) | Expression::Spread { value, .. } => {
            of_value(value)
        }
        Expression::Pair { y, x, .. } => {
            of_value(y).saturating_mul(of_value(x)).max(of_value(y) + of_value(x))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::Digest,
        predicate::CodeSet,
        query::{Branch, Class, LabelKind, Output},
        schema::{Column, ColumnId, Domain},
    };

    fn schema() -> Schema {
        let column = |name: &str| Column {
            name: name.to_owned(),
            description: String::new(),
            nullable: false,
            dimension: Some(Domain::Integer { min: 0, max: 4_000 }),
            measure: None,
        };
        Schema { table: "t".to_owned(), null_values: vec![], columns: vec![column("a"), column("b")] }
    }

    fn query(outputs: Vec<Expression>, groups: Vec<GroupKey>) -> Query {
        let output = |expression| Output { name: "x".to_owned(), expression };
        let outputs = outputs.into_iter().map(output).collect();
        Query {
            dataset: Digest::from_bytes([0; 32]),
            outputs,
            predicate: Predicate::All,
            groups,
            scores: vec![],
        }
    }

    fn classes(count: usize, when: impl Fn(usize) -> Predicate) -> GroupKey {
        let class = |at: usize| Class { label: Some(at.to_string()), when: when(at) };
        GroupKey::Classes { kind: LabelKind::Integer, classes: (0..count).map(class).collect() }
    }

    fn comb(first: u32) -> Predicate {
        let ranges = (0..1_000).map(|tooth| (first + 3 * tooth, first + 3 * tooth + 1)).collect();
        Predicate::In { column: ColumnId(0), codes: CodeSet::from_ranges(ranges) }
    }

    #[test]
    fn what_compilers_would_compare_for_long_is_refused() {
        let schema = schema();
        let count = || vec![Expression::Count(Predicate::All)];
        let one = |at: usize| Predicate::In {
            column: ColumnId(0),
            codes: CodeSet::from_codes([u32::try_from(at).expect("small")]),
        };
        let check = |query: Query| query.check_size(&schema);
        assert_eq!(check(query(count(), vec![classes(1_000, one)])), Ok(()));
        assert_eq!(check(query(count(), vec![classes(2, |at| comb(at as u32))])), Ok(()));
        let by_code = vec![classes(2, |at| comb(at as u32)), GroupKey::Codes(ColumnId(1))];
        assert!(matches!(check(query(count(), by_code)), Err(QueryError::Comparisons(_))));
        assert!(matches!(
            check(query(count(), vec![classes(5, |at| comb(at as u32))])),
            Err(QueryError::Parts { .. })
        ));
        assert_eq!(
            check(query(count(), vec![classes(65, |at| one(at % 5))])),
            Err(QueryError::Overlapping(65))
        );
        let branches = (0..3).map(|at| Branch::one(comb(at))).collect();
        let sum = Expression::Sum(Value { scale: 0, branches });
        assert!(matches!(check(query(vec![sum], vec![])), Err(QueryError::Parts { .. })));
        let mut named = query(count(), vec![]);
        named.outputs[0].name = "\u{1b}[2J".to_owned();
        assert_eq!((named.check_labels(), check(named)), (Err(QueryError::Label), Ok(())));
        let nowhere = vec![GroupKey::Codes(ColumnId(9)), classes(2, one)];
        assert_eq!(check(query(count(), nowhere)), Ok(()), "refused by name when it is validated");
    }
}
