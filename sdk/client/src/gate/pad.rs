//! The length of a sealed answer is seen by the platform, and JSON is as long as its numbers: an
//! answer is padded with spaces to a length that follows from query, schema and policy alone.

use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    query::Query,
    schema::Schema,
};

/// More than the longest number or decimal has, quotes included.
const CELL: usize = 40;
/// More than a released integer has beyond the widest positive one: a sign and a comma.
const VALUE: usize = 4;

/// Pads the JSON of `answer`.
pub(super) fn pad(schema: &Schema, query: &Query, answer: &Answer, json: &mut Vec<u8>) {
    let length = length(schema, query, answer);
    debug_assert!(json.len() <= length, "{} bytes of at most {length}", json.len());
    json.resize(length.max(json.len()), b' ');
}

/// At least the length of every answer to the query: that of one where no group is suppressed, with
/// room for longer numbers.
fn length(schema: &Schema, query: &Query, answer: &Answer) -> usize {
    let groups: Vec<_> = answer
        .groups
        .iter()
        .map(|group| AnswerGroup { key: group.key.clone(), values: Some(vec![i64::MAX; answer.terms.len()]) })
        .collect();
    let cells = groups.len() * query.outputs.len();
    let values = groups.len() * answer.terms.len();
    let widest = Answer::new(schema, query, answer.query, groups, answer.noise.clone(), answer.min_cohort);
    let widest = serde_json::to_vec(&widest).map_or(0, |json| json.len());
    widest + cells * CELL + values * VALUE
}

#[cfg(test)]
mod tests {
    use sordino_protocol::{
        digest::Digest,
        predicate::Predicate,
        query::{Expression, Output},
        schema::ColumnId,
    };

    use super::*;

    #[test]
    fn the_length_tells_nothing_about_the_values() {
        let schema: Schema = toml::from_str(
            "table = \"t\"\n[[column]]\nname = \"g\"\ndimension = { kind = \"boolean\" }\n\
             [[column]]\nname = \"m\"\nmeasure = { scale = 2, min = -900, max = 900 }\n",
        )
        .expect("a schema");
        let output = |expression| Output { name: "x".to_owned(), expression };
        let query = Query {
            dataset: Digest::from_bytes([0; 32]),
            outputs: vec![
                output(Expression::Group(ColumnId(0))),
                output(Expression::Rows),
                output(Expression::Sum(ColumnId(1))),
                output(Expression::Average(ColumnId(1))),
            ],
            predicate: Predicate::All,
            groups: vec![ColumnId(0)],
        };
        let lengths: Vec<_> = [
            [None, None],
            [Some(vec![1, 2]), None],
            [Some(vec![3, i64::MIN + 1]), Some(vec![i64::MAX, -1])],
            [Some(vec![i64::MIN + 1, i64::MIN + 1]), Some(vec![7, 1_000_000_007])],
        ]
        .into_iter()
        .map(|values| {
            let groups = values.into_iter().enumerate();
            let groups =
                groups.map(|(code, values)| AnswerGroup { key: vec![code as u32], values }).collect();
            let answer = Answer::new(&schema, &query, Digest::from_bytes([1; 32]), groups, vec![0.0; 2], 10);
            let mut json = serde_json::to_vec(&answer).expect("JSON");
            pad(&schema, &query, &answer, &mut json);
            assert_eq!(serde_json::from_slice::<Answer>(&json).expect("still JSON"), answer);
            json.len()
        })
        .collect();
        assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "{lengths:?}");
    }
}
