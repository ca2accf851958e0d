//! What bound questions mean, against DataFusion answering the same text over the plain rows: random
//! texts over random tables, compared cell by cell.
//!
//! `SORDINO_TEST_SEED` repeats a run; `SORDINO_TEST_QUERIES` says how many texts are compared.

use std::collections::HashMap;

use proptest::{
    prelude::Rng,
    test_runner::{Config, TestRunner},
};
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    canonical::Canonical,
    plaintext,
    presentation::{Presentation, apply},
    query::{Expression, Output, Pair, Query},
    release_values::release,
    schema::Schema,
    testing::sequence,
};

use self::{
    cells::{Cell, of_json},
    datafusion::Oracle,
    dice::Dice,
    tables::Table,
    texts::Text,
};
use crate::sql::{Bound, SqlError, bind, samples};

mod cells;
mod conditions;
mod datafusion;
mod dice;
mod numbers;
mod tables;
mod texts;

/// Texts that are compared by default.
const QUERIES: usize = 400;
/// Texts about one table.
const PER_TABLE: usize = 20;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[tokio::test]
async fn random_questions_have_the_answers_of_datafusion() {
    let seed =
        setting("SORDINO_TEST_SEED").unwrap_or_else(|| TestRunner::new(Config::default()).rng().next_u64());
    let wanted = setting("SORDINO_TEST_QUERIES").map_or(QUERIES, |n| usize::try_from(n).expect("a number"));
    println!("SORDINO_TEST_SEED={seed}");
    let mut dice = Dice::new(sequence(seed));
    let (mut compared, mut refused, mut reasons) = (0, 0, HashMap::<String, usize>::new());
    while compared < wanted {
        let table = Table::random(&mut dice);
        let oracle = Oracle::new(&table);
        for _ in 0..PER_TABLE {
            let text = Text::random(&mut dice, &table.schema);
            match bind(samples::dataset(), &table.schema, &text.ours) {
                Ok(bound) => {
                    let place = format!("SORDINO_TEST_SEED={seed}\n{}\n{:?}", text.ours, table.schema);
                    compare(&table, &bound, &text, &oracle.rows(&text.theirs).await, &place);
                    compared += 1;
                }
                Err(error) => {
                    named(&error, &text.ours);
                    refused += 1;
                    *reasons.entry(kind(&error)).or_default() += 1;
                }
            }
        }
        assert!(refused < 200 + compared, "SORDINO_TEST_SEED={seed}: too much is refused: {reasons:?}");
    }
    println!("{compared} compared, {refused} refused: {reasons:#?}");
}

/// Every refusal says what of the text, and why.
fn named(error: &SqlError, sql: &str) {
    assert_ne!(*error, SqlError::Failed, "{sql}");
    assert!(!error.to_string().is_empty(), "{sql}");
    match error {
        SqlError::Unsupported { fragment, reason, .. } | SqlError::TypeMismatch { fragment, reason, .. } => {
            assert!(!fragment.is_empty() && !reason.is_empty(), "{sql}: {error}");
        }
        SqlError::Query { .. } | SqlError::TooComplex { .. } => {}
        other => panic!("{sql}: {other}"),
    }
}

fn kind(error: &SqlError) -> String {
    let text = error.to_string();
    let reason = text.split_once("`: ").map_or(text.as_str(), |(_, reason)| reason);
    reason.split('`').step_by(2).collect::<Vec<_>>().join("_").chars().take(60).collect()
}

fn answer(schema: &Schema, query: &Query, table: &Table) -> (Vec<u64>, Answer) {
    let totals = plaintext::evaluate(schema, query, &table.coded);
    let needs = query.requirements(schema);
    let noise = vec![0.0; needs.quantities.len()];
    let shown = |group| Some(release(schema, &needs, group, &noise, 1));
    let groups =
        totals.iter().map(|group| AnswerGroup { key: group.key.clone(), values: shown(group) }).collect();
    let digest = query.digest().expect("a digest");
    (totals.iter().map(|group| group.rows).collect(), Answer::new(schema, query, digest, groups, noise, 1))
}

/// Rows that are kept, sorted and cut by the client come in the same order.
fn compare_presented(table: &Table, bound: &Bound, expected: &[Vec<Cell>], place: &str) {
    let (_, answer) = answer(&table.schema, &bound.query, table);
    let shown = apply(&bound.presentation, &answer).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(shown.rows.len(), expected.len(), "{place}: {:?}, DataFusion has {expected:?}", shown.rows);
    for (row, expected) in shown.rows.iter().zip(expected) {
        for ((value, column), expected) in row.iter().zip(&shown.columns).zip(expected) {
            let found = of_json(value, column.kind);
            let name = &column.name;
            let undefined = found.is_null()
                && bound.query.outputs.iter().any(|output| output.name == *name && is_correlation(output));
            assert!(
                undefined || found.is_close(expected),
                "{place}\n{name}: {found:?}, DataFusion has {expected:?}"
            );
        }
    }
}

/// Of constant values DataFusion has a correlation of 0, or, as it finds a little variance of constant
/// decimals by rounding, another; by the standard it is NULL.
const fn is_correlation(output: &Output) -> bool {
    matches!(output.expression, Expression::Pair { statistic: Pair::Correlation, .. })
}

fn compare(table: &Table, bound: &Bound, text: &Text, expected: &[Vec<Cell>], place: &str) {
    if text.presented {
        return compare_presented(table, bound, expected, place);
    }
    let names: Vec<_> = bound.query.outputs.iter().map(|output| output.name.clone()).collect();
    assert_eq!(bound.presentation, Presentation::plain(names), "{place}");
    let is_key = |position: usize| matches!(bound.query.outputs[position].expression, Expression::Group(_));
    let keys: Vec<usize> = (0..bound.query.outputs.len()).filter(|position| is_key(*position)).collect();
    assert_eq!(keys.len(), text.keys, "{place}");
    let key = |row: &[Cell]| keys.iter().map(|position| row[*position].key()).collect::<Vec<_>>();
    let mut wanted: HashMap<Vec<String>, &Vec<Cell>> = expected.iter().map(|row| (key(row), row)).collect();
    assert_eq!(wanted.len(), expected.len(), "{place}: groups of DataFusion");
    let (rows, answer) = answer(&table.schema, &bound.query, table);
    for (count, row) in rows.into_iter().zip(&answer.rows) {
        let row: Vec<Cell> = row.iter().zip(&answer.columns).map(|(v, c)| of_json(v, c.kind)).collect();
        match wanted.remove(&key(&row)) {
            Some(expected) => {
                let outputs = answer.columns.iter().zip(&bound.query.outputs);
                for ((found, expected), (column, output)) in row.iter().zip(expected).zip(outputs) {
                    let undefined = is_correlation(output) && found.is_null();
                    assert!(
                        undefined || found.is_close(expected),
                        "{place}\n{}: {found:?}, DataFusion has {expected:?} in {:?}",
                        column.name,
                        key(&row)
                    );
                }
                assert!(
                    count > 0 || keys.is_empty(),
                    "{place}: DataFusion has an empty group {:?}",
                    key(&row)
                );
            }
            None => assert_eq!(count, 0, "{place}: DataFusion has no group {:?}", key(&row)),
        }
    }
    assert!(wanted.is_empty(), "{place}: groups only DataFusion has: {:?}", wanted.keys());
}
