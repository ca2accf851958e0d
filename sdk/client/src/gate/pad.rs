//! The length of a sealed answer is seen by the platform, and JSON is as long as its numbers: an
//! answer is padded with spaces to a length that follows from query, schema and policy alone.

use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    query::{Expression, Query},
    schema::{ColumnId, Schema},
};

/// More than the longest number has, quotes and a comma included.
const NUMBER: usize = 32;

/// Pads the JSON of `answer`.
pub(super) fn pad(schema: &Schema, query: &Query, answer: &Answer, json: &mut Vec<u8>) {
    let length = length(schema, query, answer);
    debug_assert!(json.len() <= length, "{} bytes of at most {length}", json.len());
    json.resize(length.max(json.len()), b' ');
}

/// At least the length of every answer to the query: that of one where all groups are suppressed, with
/// room for what could be there.
fn length(schema: &Schema, query: &Query, answer: &Answer) -> usize {
    let groups: Vec<_> =
        answer.groups.iter().map(|group| AnswerGroup { key: group.key.clone(), values: None }).collect();
    let cells: usize = query.outputs.iter().map(|output| widest(schema, &output.expression)).sum();
    let each = cells + (answer.released.len() + 1) * NUMBER;
    let room = groups.len() * each;
    let empty = Answer::new(schema, query, answer.query, groups, answer.noise.clone(), answer.min_cohort);
    serde_json::to_vec(&empty).map_or(0, |json| json.len()) + room
}

/// The room that a cell needs beyond an empty one.
fn widest(schema: &Schema, expression: &Expression) -> usize {
    match expression {
        // Shown of suppressed groups as well.
        Expression::Group(_) => 0,
        Expression::Count(_)
        | Expression::Band { .. }
        | Expression::Distinct { .. }
        | Expression::Average(_)
        | Expression::Spread { .. }
        | Expression::Pair { .. } => NUMBER,
        Expression::Sum(value) => NUMBER + usize::from(value.scale),
        // At most the bounds of two buckets.
        Expression::Quantile { column, .. } => NUMBER + 2 * longest_label(schema, *column),
    }
}

fn longest_label(schema: &Schema, column: ColumnId) -> usize {
    let column = schema.column(column);
    let written = |code| serde_json::to_vec(&column.label(code)).map_or(0, |json| json.len());
    (0..column.codes()).map(written).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use sordino_protocol::{
        digest::Digest,
        predicate::Predicate,
        query::{GroupKey, Output, Rank, Value},
    };

    use super::*;

    #[test]
    fn the_length_tells_nothing_about_the_values() {
        let schema: Schema = toml::from_str(
            "table = \"t\"\n[[column]]\nname = \"g\"\ndimension = { kind = \"boolean\" }\n\
             [[column]]\nname = \"m\"\nmeasure = { scale = 2, min = -900, max = 900 }\n\
             [[column]]\nname = \"d\"\n\
             dimension = { kind = \"category\", values = [\"a\", \"quite \\\"long\\\", and quoted\"] }\n",
        )
        .expect("a schema");
        let output = |expression| Output { name: "x".to_owned(), expression };
        let value = Value::measure(&schema, ColumnId(1));
        let highest = Expression::Quantile { rank: Rank::Highest, column: ColumnId(2), when: Predicate::All };
        let query = Query {
            dataset: Digest::from_bytes([0; 32]),
            outputs: vec![
                output(Expression::Group(0)),
                output(Expression::Count(Predicate::All)),
                output(Expression::Sum(value.clone())),
                output(Expression::Average(value)),
                output(highest),
            ],
            predicate: Predicate::All,
            groups: vec![GroupKey::Codes(ColumnId(0))],
            scores: Vec::new(),
        };
        let low = Some(i64::MIN + 1);
        let lengths: Vec<_> = [
            [None, None],
            [Some(vec![Some(1), Some(2), Some(0)]), None],
            [Some(vec![None, None, None]), Some(vec![Some(3), None, Some(1)])],
            [Some(vec![low, low, None]), Some(vec![low, low, Some(1)])],
            [Some(vec![Some(7), Some(1_000_000_007), Some(1)]), Some(vec![Some(i64::MAX), low, Some(1)])],
        ]
        .into_iter()
        .map(|values| {
            let groups = values.into_iter().zip(0..);
            let groups = groups.map(|(values, class)| AnswerGroup { key: vec![class], values }).collect();
            let answer = Answer::new(&schema, &query, Digest::from_bytes([1; 32]), groups, vec![0.0; 3], 10);
            let mut json = serde_json::to_vec(&answer).expect("JSON");
            pad(&schema, &query, &answer, &mut json);
            assert_eq!(serde_json::from_slice::<Answer>(&json).expect("still JSON"), answer);
            json.len()
        })
        .collect();
        assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "{lengths:?}");
    }
}
