//! Queries whose classes the gate is not to see: a model that the buyer keeps to himself. The gate is shown
//! the query without the conditions of its classes. What it can tell from that, the shape of the answer
//! and the noise, is all it needs to release counts; that the counts are of those conditions it cannot check.

use super::{Class, Expression, GroupKey, LabelKind, Query};
use crate::{predicate::Predicate, schema::ColumnId};

/// Why a query has nothing to hide, or cannot be hidden.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VeilError {
    /// A statistic other than a count of the rows of a group.
    #[error(
        "`{0}` is more than a count of rows: of a hidden model only rows by predicted class are released, \
         so disclose it"
    )]
    Statistic(String),
    /// No class has a condition.
    #[error("no grouping key has conditions: there is nothing to hide")]
    NoConditions,
}

/// A query without the conditions of its classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veiled {
    /// The query, each condition of a class replaced by [`Predicate::Nothing`].
    pub query: Query,
    /// The columns that the conditions look at, sorted.
    pub inputs: Vec<ColumnId>,
}

impl Query {
    /// Takes away the conditions of all classes. A predicate over all rows stays.
    ///
    /// # Errors
    /// When it releases more than counts, or there is nothing to hide.
    pub fn veiled(&self) -> Result<Veiled, VeilError> {
        if let Some(output) = self.outputs.iter().find(|output| !is_plain(&output.expression)) {
            return Err(VeilError::Statistic(output.name.clone()));
        }
        let mut inputs = Vec::new();
        let mut query = self.clone();
        for key in &mut query.groups {
            if !matches!(key, GroupKey::Codes(_)) {
                inputs.extend(key.columns());
            }
            match key {
                GroupKey::Codes(_) => {}
                GroupKey::Classes { classes, .. } => {
                    classes.iter_mut().for_each(|class| class.when = Predicate::Nothing);
                }
                GroupKey::Largest { labels, .. } => {
                    let class = |label| Class { label: Some(label), when: Predicate::Nothing };
                    let classes = std::mem::take(labels).into_iter().map(class).collect();
                    *key = GroupKey::Classes { kind: LabelKind::Text, classes };
                }
            }
        }
        query.scores.clear();
        if inputs.is_empty() {
            return Err(VeilError::NoConditions);
        }
        inputs.sort_unstable();
        inputs.dedup();
        Ok(Veiled { query, inputs })
    }

    /// Whether it is as [`Self::veiled`] leaves a query.
    pub fn is_veiled(&self) -> bool {
        let hidden = |key: &GroupKey| match key {
            GroupKey::Codes(_) => true,
            GroupKey::Classes { classes, .. } => classes.iter().all(|class| class.when == Predicate::Nothing),
            GroupKey::Largest { .. } => false,
        };
        self.scores.is_empty()
            && self.outputs.iter().all(|output| is_plain(&output.expression))
            && self.groups.iter().all(hidden)
    }
}

/// What one row adds at most one to, whatever the conditions are.
fn is_plain(expression: &Expression) -> bool {
    matches!(expression, Expression::Group(_) | Expression::Count(Predicate::All))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{digest::Digest, predicate::CodeSet, query::Output, schema::Schema};

    #[test]
    fn conditions_go_and_the_shape_stays() {
        let text = r#"{"table": "t", "column": [{"name": "ill", "dimension": {"kind": "boolean"}}]}"#;
        let schema: Schema = serde_json::from_str(text).expect("a schema");
        let column = ColumnId(0);
        let when = Predicate::column_in(&schema, column, CodeSet::from_codes([0]));
        let class = |label: &str, when| Class { label: Some(label.to_owned()), when };
        let classes = vec![class("bad", when.clone()), class("good", when.negated(&schema))];
        let count = Output { name: "rows".to_owned(), expression: Expression::Count(Predicate::All) };
        let query = Query {
            dataset: Digest::from_bytes([0; 32]),
            outputs: vec![count],
            predicate: Predicate::All,
            groups: vec![GroupKey::Classes { kind: LabelKind::Text, classes }],
            scores: vec![],
        };
        let veiled = query.veiled().expect("it can be hidden");
        assert_eq!(veiled.inputs, [column]);
        assert!(veiled.query.is_veiled() && !query.is_veiled());
        veiled.query.validate(&schema).expect("still a query");
        assert_eq!(veiled.query.group_count(&schema), query.group_count(&schema));
        assert_eq!(veiled.query.requirements(&schema), query.requirements(&schema));

        let mut more = query.clone();
        more.outputs[0].expression = Expression::Count(when);
        assert_eq!(more.veiled(), Err(VeilError::Statistic("rows".to_owned())));
        let nothing = Query { groups: vec![GroupKey::Codes(column)], ..query };
        assert_eq!(nothing.veiled(), Err(VeilError::NoConditions));
    }
}
