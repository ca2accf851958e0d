//! Answers: what a gate releases and a buyer opens.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    digest::Digest,
    query::{Expression, Output, Query, Term, count_term},
    schema::{ColumnId, Schema, decimal},
};

/// The plaintext inside a sealed answer. `columns` and `rows` are ready to read; `terms` and
/// `groups` are the released integers they were made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The query that is answered.
    pub query: Digest,
    /// Names and types, in the order of the SELECT list.
    pub columns: Vec<AnswerColumn>,
    /// One row a group, in the order of the grouped domains; a suppressed group has nulls.
    pub rows: Vec<Vec<Value>>,
    /// The released terms, in the order of the values below.
    pub terms: Vec<Term>,
    /// Standard deviation of the noise of each released term; all 0 when exact.
    pub noise: Vec<f64>,
    /// The released values.
    pub groups: Vec<AnswerGroup>,
    /// Groups with fewer rows than this were suppressed.
    pub min_cohort: u32,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerColumn {
    /// The alias.
    pub name: String,
    /// How its values are written.
    #[serde(rename = "type")]
    pub kind: AnswerType,
}

/// How the values of an answer's column are written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerType {
    /// A string: the label of a code.
    Label,
    /// An integer.
    Integer,
    /// A string: an exact decimal number.
    Decimal,
    /// A floating-point number.
    Float,
}

/// The released values of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerGroup {
    /// Codes of the grouped dimensions.
    pub key: Vec<u32>,
    /// One value per released term, offsets added back; `None` when the group is suppressed.
    pub values: Option<Vec<i64>>,
}

impl Answer {
    /// Builds an answer from released values.
    pub fn new(
        schema: &Schema,
        query: &Query,
        query_digest: Digest,
        groups: Vec<AnswerGroup>,
        noise: Vec<f64>,
        min_cohort: u32,
    ) -> Self {
        let terms = query.released_terms(schema);
        let columns = query.outputs.iter().map(|output| column(schema, output)).collect();
        let rows = groups
            .iter()
            .map(|group| {
                query.outputs.iter().map(|o| cell(schema, query, &terms, group, o.expression)).collect()
            })
            .collect();
        Self { query: query_digest, columns, rows, terms, noise, groups, min_cohort }
    }
}

fn column(schema: &Schema, output: &Output) -> AnswerColumn {
    let kind = match output.expression {
        Expression::Group(_) => AnswerType::Label,
        Expression::Rows | Expression::Count(_) => AnswerType::Integer,
        Expression::Sum(id) if scale(schema, id) == 0 => AnswerType::Integer,
        Expression::Sum(_) => AnswerType::Decimal,
        Expression::Average(_) => AnswerType::Float,
    };
    AnswerColumn { name: output.name.clone(), kind }
}

fn cell(
    schema: &Schema,
    query: &Query,
    terms: &[Term],
    group: &AnswerGroup,
    expression: Expression,
) -> Value {
    let value = |term: Term| -> Option<i64> {
        let position = terms.iter().position(|t| *t == term)?;
        group.values.as_ref()?.get(position).copied()
    };
    let sum_of = |id: ColumnId| value(Term::Sum(id));
    let found = match expression {
        Expression::Group(id) => query
            .groups
            .iter()
            .position(|g| *g == id)
            .and_then(|position| group.key.get(position))
            .and_then(|code| schema.column(id).label(*code))
            .map(Value::from),
        Expression::Rows => value(Term::Rows).map(Value::from),
        Expression::Count(id) => value(count_term(schema, id)).map(Value::from),
        // SQL: the sum and the average of no values are NULL.
        Expression::Sum(id) => match value(count_term(schema, id)) {
            Some(0) => None,
            _ => sum_of(id).map(|sum| match scale(schema, id) {
                0 => Value::from(sum),
                places => Value::from(decimal(sum, places)),
            }),
        },
        Expression::Average(id) => match (sum_of(id), value(count_term(schema, id))) {
            (Some(sum), Some(count)) if count > 0 => {
                let unit = 10f64.powi(i32::from(scale(schema, id)));
                Some(Value::from(sum as f64 / count as f64 / unit))
            }
            _ => None,
        },
    };
    found.unwrap_or(Value::Null)
}

fn scale(schema: &Schema, id: ColumnId) -> u8 {
    schema.column(id).measure.as_ref().map_or(0, |measure| measure.scale)
}
