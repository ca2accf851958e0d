//! The oracle itself against numbers worked out by hand, and what `combine` refuses.

use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    coded::CodedTable,
    digest::Digest,
    layout::LayoutKind,
    layout_plan::RollupBudget,
    lower::lower,
    plaintext,
    predicate::{CodeSet, Predicate},
    query::Query,
    release_values::{CombineError, GroupTotals, combine},
    schema::{Column, ColumnId, Domain, Measure, Schema},
};

use crate::planning::{ROWS, count, dimension, published, query, schema, sum};

/// A colour, and an amount of cents that may be unknown and is a dimension in buckets as well.
fn table() -> (Schema, CodedTable) {
    let colours = Domain::Category { values: vec!["red".to_owned(), "blue".to_owned()] };
    let colour = Column { dimension: Some(colours), ..dimension("colour", 1) };
    let amount = Column {
        nullable: true,
        dimension: Some(Domain::Buckets { scale: 0, edges: vec![-5, 0, 10] }),
        measure: Some(Measure { scale: 2, min: -500, max: 999 }),
        ..dimension("amount", 1)
    };
    let mut schema = schema(vec![colour, amount]);
    schema.null_values = vec!["NA".to_owned()];
    let mut table = CodedTable::new(&schema);
    let source = [("red", "1.50"), ("red", "NA"), ("blue", "-4.99"), ("red", "0"), ("blue", "NA")];
    for (row, (colour, amount)) in (1..).zip(source) {
        table.push(&schema, row, &[Some(colour), Some(amount)]).expect("fits the schema");
    }
    (schema, table)
}

fn asked(schema: &Schema, predicate: Predicate) -> Query {
    query(predicate, &[0], &[ROWS, count(schema, 1), sum(schema, 1)])
}

fn totals(key: u32, rows: u64, values: &[i64]) -> GroupTotals {
    GroupTotals { key: vec![key], rows, values: values.to_vec() }
}

#[test]
fn nulls_are_counted_as_sql_counts_them() {
    let (schema, table) = table();
    let all = plaintext::evaluate(&schema, &asked(&schema, Predicate::All), &table);
    assert_eq!(all, vec![totals(0, 3, &[3, 2, 150]), totals(1, 2, &[2, 1, -499])]);
    let unknown = Predicate::column_in(&schema, ColumnId(1), CodeSet::from_codes([2]));
    let unknown = plaintext::evaluate(&schema, &asked(&schema, unknown), &table);
    assert_eq!(unknown, vec![totals(0, 1, &[1, 0, 0]), totals(1, 1, &[1, 0, 0])]);
    let negative = Predicate::column_in(&schema, ColumnId(1), CodeSet::from_codes([0]));
    let negative = plaintext::evaluate(&schema, &asked(&schema, negative), &table);
    assert_eq!(negative, vec![totals(0, 0, &[0, 0, 0]), totals(1, 1, &[1, 1, -499])]);
}

#[test]
fn an_answer_shows_them_as_sql_shows_them() {
    let (schema, table) = table();
    let unknown = Predicate::column_in(&schema, ColumnId(1), CodeSet::from_codes([1, 2]));
    let query = asked(&schema, unknown);
    let groups = plaintext::evaluate(&schema, &query, &table)
        .into_iter()
        .map(|group| AnswerGroup {
            key: group.key,
            values: Some(group.values.into_iter().map(Some).collect()),
        })
        .collect();
    let answer = Answer::new(&schema, &query, Digest::from_bytes([0; 32]), groups, vec![0.0; 3], 1);
    let text = serde_json::to_string(&answer.rows).expect("writes");
    assert_eq!(text, r#"[[3,2,"1.50"],[1,0,null]]"#);
}

#[test]
fn decrypted_values_that_contradict_the_public_bounds_are_refused() {
    let (schema, _) = table();
    let manifest = published(schema.clone(), 5, &RollupBudget::default());
    let query = asked(&schema, Predicate::All);
    for kind in [LayoutKind::Rollup, LayoutKind::Scan] {
        let program = lower(&manifest, &query, kind).expect("lowers");
        let combined = |values: &[i64]| combine(&schema, &query, &program, values);
        let good = combined(&[3, 2, 1_150, 2, 1, 1]).expect("plausible");
        assert_eq!(good, vec![totals(0, 3, &[3, 2, 150]), totals(1, 2, &[2, 1, -499])]);
        assert_eq!(combined(&[3, 2]), Err(CombineError::Count { expected: 6, got: 2 }));
        // 3,998 encoded with two values is 2,998, and three rows cannot have more than 2,997.
        let more =
            CombineError::Implausible { group: 0, position: 2, value: 2_998, low: -1_500, high: 2_997 };
        assert_eq!(combined(&[3, 2, 3_998, 2, 1, 1]), Err(more));
        let more = CombineError::Implausible { group: 1, position: 1, value: 3, low: 0, high: 2 };
        assert_eq!(combined(&[3, 2, 1_150, 2, 3, 1]), Err(more));
        let fewer = CombineError::Implausible {
            group: 0,
            position: 0,
            value: -1,
            low: 0,
            high: i128::from(u64::MAX),
        };
        assert_eq!(combined(&[-1, 2, 1_150, 2, 1, 1]), Err(fewer));
    }
    let other = lower(&manifest, &crate::planning::query(Predicate::All, &[0], &[ROWS]), LayoutKind::Scan);
    let missing = combine(&schema, &query, &other.expect("lowers"), &[3, 2]);
    assert_eq!(missing, Err(CombineError::Recipes { expected: 3, got: 1 }));
}
