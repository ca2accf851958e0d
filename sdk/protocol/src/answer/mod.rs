//! Answers: what a gate releases and a buyer opens.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    digest::Digest,
    query::{Output, Query, Released, Requirements},
    schema::Schema,
};

mod cells;
mod columns;
mod notes;
mod statistics;

/// The plaintext inside a sealed answer. `columns` and `rows` are ready to read; `released` and
/// `groups` are the integers they were made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The query that is answered.
    pub query: Digest,
    /// Names and types, in the order of the SELECT list.
    pub columns: Vec<AnswerColumn>,
    /// One row a group, in the order of the grouping keys' classes; what is withheld is null.
    pub rows: Vec<Vec<Value>>,
    /// What the values below are, in their order; positions are those of the query's quantities.
    pub released: Vec<Released>,
    /// Standard deviation of the noise of each quantity of the query; all 0 when exact.
    pub noise: Vec<f64>,
    /// The released values.
    pub groups: Vec<AnswerGroup>,
    /// What fewer rows than this stand behind was withheld.
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
    /// Decimal places of a decimal.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scale: u8,
    /// What a reader must know of its values: the resolution of a rank, say, or what noise hides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_zero(scale: &u8) -> bool {
    *scale == 0
}

/// How the values of an answer's column are written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerType {
    /// A string: a category, or the bounds of a bucket.
    Label,
    /// An integer.
    Integer,
    /// A string: an exact decimal number.
    Decimal,
    /// A floating-point number.
    Float,
    /// A boolean.
    Boolean,
    /// A string: a date as YYYY-MM-DD.
    Date,
}

/// The released values of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerGroup {
    /// Classes of the grouping keys.
    pub key: Vec<u32>,
    /// One integer per released value, `None` where it is withheld or there is none; `None` for all
    /// of them when the group is suppressed.
    pub values: Option<Vec<Option<i64>>>,
}

/// The columns of every answer to a query, which is valid over `schema`. `noise` is the standard
/// deviation of the noise in each of its quantities, 0 or missing where there is none.
pub fn columns(schema: &Schema, query: &Query, noise: &[f64], min_cohort: u32) -> Vec<AnswerColumn> {
    columns_of(schema, query, &query.requirements(schema), noise, min_cohort)
}

fn columns_of(
    schema: &Schema,
    query: &Query,
    needs: &Requirements,
    noise: &[f64],
    min_cohort: u32,
) -> Vec<AnswerColumn> {
    let column = |(output, positions): (&Output, &Vec<usize>)| {
        let counts = notes::Counts::of(schema, needs, positions, noise, min_cohort);
        columns::column(schema, query, output, counts)
    };
    query.outputs.iter().zip(&needs.outputs).map(column).collect()
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
        let needs = query.requirements(schema);
        let columns = columns_of(schema, query, &needs, &noise, min_cohort);
        let rows = groups
            .iter()
            .map(|group| {
                let outputs = query.outputs.iter().zip(&needs.outputs).zip(&columns);
                outputs
                    .map(|((output, positions), column)| {
                        cells::cell(schema, query, column, group, &output.expression, positions)
                    })
                    .collect()
            })
            .collect();
        Self { query: query_digest, columns, rows, released: needs.released, noise, groups, min_cohort }
    }
}
