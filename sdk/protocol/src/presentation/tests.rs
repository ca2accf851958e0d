//! Presentations against tables worked out by hand, and against a slow way of doing the same.

use serde_json::{Value, json};

use super::*;
use crate::{
    answer::{Answer, AnswerColumn, AnswerGroup, AnswerType},
    digest::Digest,
};

fn column(name: &str, kind: AnswerType, scale: u8) -> AnswerColumn {
    AnswerColumn { name: name.to_owned(), kind, scale, note: None }
}

fn answer(columns: Vec<AnswerColumn>, rows: Vec<Vec<Value>>) -> Answer {
    let groups = (0..rows.len() as u32).map(|key| AnswerGroup { key: vec![key], values: Some(vec![]) });
    Answer {
        query: Digest::from_bytes([0; 32]),
        columns,
        groups: groups.collect(),
        rows,
        released: vec![],
        noise: vec![],
        min_cohort: 10,
    }
}

/// Class, rows, an exact sum with cents; the third group is suppressed.
fn sales() -> Answer {
    let columns = vec![
        column("class", AnswerType::Label, 0),
        column("n", AnswerType::Integer, 0),
        column("sum", AnswerType::Decimal, 2),
    ];
    let mut answer = answer(
        columns,
        vec![
            vec![json!("b"), json!(30), json!("10.50")],
            vec![json!("a"), json!(12), json!("-7.25")],
            vec![json!("rare"), Value::Null, Value::Null],
            vec![json!("c"), json!(30), Value::Null],
        ],
    );
    answer.groups[2].values = None;
    answer
}

fn output(position: u16) -> PostExpression {
    PostExpression::Output(position)
}
fn number(text: &str) -> PostExpression {
    PostExpression::Number(text.to_owned())
}
fn binary(operator: BinaryOperator, left: PostExpression, right: PostExpression) -> PostExpression {
    PostExpression::Binary { operator, left: Box::new(left), right: Box::new(right) }
}
fn unary(operator: UnaryOperator, of: PostExpression) -> PostExpression {
    PostExpression::Unary { operator, of: Box::new(of) }
}
fn shown(expression: PostExpression) -> Shown {
    Shown { name: "x".to_owned(), expression }
}
fn key(expression: PostExpression, descending: bool, nulls_first: bool) -> SortKey {
    SortKey { expression, descending, nulls_first }
}

/// The only cell of an expression over `1` and NULL.
fn one(expression: PostExpression) -> (AnswerType, Value) {
    let columns = vec![column("one", AnswerType::Integer, 0), column("none", AnswerType::Boolean, 0)];
    let answer = answer(columns, vec![vec![json!(1), Value::Null]]);
    let presentation = Presentation { columns: vec![shown(expression)], ..Presentation::default() };
    let table = apply(&presentation, &answer).expect("well formed");
    (table.columns[0].kind, table.rows[0][0].clone())
}

#[test]
fn a_plain_presentation_shows_the_answer() {
    let answer = sales();
    let names = answer.columns.iter().map(|column| column.name.clone());
    let table = apply(&Presentation::plain(names), &answer).expect("plain");
    assert_eq!((&table.columns, &table.rows), (&answer.columns, &answer.rows));
    assert_eq!((table.suppressed, table.filtered, table.cut), (1, 0, 0));
}

#[test]
fn having_order_and_limit_do_what_sql_says() {
    let presentation = Presentation {
        having: Some(binary(BinaryOperator::Greater, output(1), number("11"))),
        order: vec![key(output(1), true, false), key(output(2), false, true)],
        offset: 1,
        limit: Some(1),
        ..Presentation::plain(["class".to_owned()])
    };
    let table = apply(&presentation, &sales()).expect("well formed");
    assert_eq!(table.rows, [[json!("b")]], "after `c`, whose sum is NULL; `rare` is not above 11");
    assert_eq!((table.suppressed, table.filtered, table.cut), (1, 0, 2));
    let never = Presentation { having: Some(PostExpression::Null), ..presentation };
    let table = apply(&never, &sales()).expect("well formed");
    assert_eq!((table.rows.len(), table.filtered, table.cut), (0, 3, 0));
}

#[test]
fn sorting_is_stable_and_places_nulls() {
    let first = |nulls_first, descending| {
        let order = vec![key(output(2), descending, nulls_first)];
        let presentation = Presentation { order, ..Presentation::plain(["class".to_owned()]) };
        let rows = apply(&presentation, &sales()).expect("well formed").rows;
        rows.iter().map(|row| row[0].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(first(true, false), "rare c a b");
    assert_eq!(first(false, true), "b a rare c");
}

#[test]
fn decimals_stay_exact_and_divisions_are_fractions() {
    use BinaryOperator::{Add, Divide, Multiply, Subtract};
    assert_eq!(one(binary(Add, number("0.1"), number("0.20"))), (AnswerType::Decimal, json!("0.30")));
    assert_eq!(one(binary(Multiply, number("1.5"), number("-1e1"))), (AnswerType::Decimal, json!("-15.0")));
    assert_eq!(one(binary(Subtract, output(0), number("3"))), (AnswerType::Integer, json!(-2)));
    assert_eq!(one(binary(Divide, output(0), number("4"))), (AnswerType::Float, json!(0.25)));
    assert_eq!(one(binary(Divide, output(0), number("0.0"))), (AnswerType::Float, Value::Null));
    assert_eq!(one(unary(UnaryOperator::Negate, number("1.50"))), (AnswerType::Decimal, json!("-1.50")));
    let large = || number(&i64::MAX.to_string());
    let square = binary(Multiply, large(), large());
    assert_eq!(one(square.clone()), (AnswerType::Float, json!((i64::MAX as f64).powi(2))));
    let (kind, power) = one(binary(Multiply, square.clone(), square));
    assert_eq!((kind, power.is_f64()), (AnswerType::Float, true), "beyond 128 bits");
}

#[test]
fn logic_is_three_valued() {
    use BinaryOperator::{And, Equal, Or};
    let (yes, no) = (|| PostExpression::Boolean(true), || PostExpression::Boolean(false));
    let cases = [
        (binary(And, no(), output(1)), json!(false)),
        (binary(And, output(1), no()), json!(false)),
        (binary(And, yes(), output(1)), Value::Null),
        (binary(And, yes(), yes()), json!(true)),
        (binary(Or, output(1), yes()), json!(true)),
        (binary(Or, no(), output(1)), Value::Null),
        (binary(Or, no(), no()), json!(false)),
        (unary(UnaryOperator::Not, output(1)), Value::Null),
        (unary(UnaryOperator::Not, no()), json!(true)),
        (binary(Equal, output(1), output(1)), Value::Null),
        (unary(UnaryOperator::IsNull, output(1)), json!(true)),
        (unary(UnaryOperator::IsNotNull, output(1)), json!(false)),
    ];
    for (expression, expected) in cases {
        assert_eq!(one(expression.clone()), (AnswerType::Boolean, expected), "{expression:?}");
    }
}

#[test]
fn numbers_dates_texts_and_buckets_compare_as_what_they_are() {
    use BinaryOperator::{Equal, Greater, Less};
    let text = |text: &str| PostExpression::Text(text.to_owned());
    let holds = [
        binary(Equal, number("1.0"), output(0)),
        binary(Greater, number("10"), number("9.99")),
        binary(Less, number("0.1"), binary(BinaryOperator::Divide, output(0), number("3"))),
        binary(Less, text("1995-12-31"), text("1996-01-01")),
        binary(Less, text("20..30"), text("100..200")),
        binary(Greater, text("b"), text("a")),
        binary(Less, PostExpression::Boolean(false), PostExpression::Boolean(true)),
    ];
    for expression in holds {
        assert_eq!(one(expression.clone()).1, json!(true), "{expression:?}");
    }
}

#[test]
fn what_does_not_belong_to_the_answer_is_refused() {
    let columns = sales().columns;
    let check = |expression: PostExpression| {
        Presentation { columns: vec![shown(expression)], ..Presentation::default() }.check(&columns)
    };
    assert_eq!(check(output(3)), Err(PresentationError::UnknownOutput { output: 3, outputs: 3 }));
    assert_eq!(check(number("1x")), Err(PresentationError::Number("1x".to_owned())));
    assert_eq!(check(number("inf")), Err(PresentationError::Number("inf".to_owned())));
    let mixed = binary(BinaryOperator::Less, output(0), number("1"));
    assert!(matches!(check(mixed), Err(PresentationError::Type { found: "numbers", .. })));
    let added = binary(BinaryOperator::Add, output(0), number("1"));
    assert!(matches!(check(added), Err(PresentationError::Type { found: "texts", .. })));
    let deep = (0..=MAX_NESTING).fold(output(1), |of, _| unary(UnaryOperator::Negate, of));
    assert_eq!(check(deep), Err(PresentationError::Nesting));
    assert_eq!(Presentation::default().check(&columns), Err(PresentationError::Size(0)));
    let having = Presentation { having: Some(output(1)), ..Presentation::plain(["a".to_owned()]) };
    assert!(matches!(having.check(&columns), Err(PresentationError::Type { operation: "HAVING", .. })));
    let mut broken = sales();
    broken.rows[1][1] = json!("12");
    let plain = Presentation::plain(["a".to_owned(), "b".to_owned()]);
    let error = PresentationError::Cell { row: 1, column: "n".to_owned() };
    assert_eq!(apply(&plain, &broken), Err(error));
}

#[test]
fn notes_follow_the_outputs_they_are_about() {
    let mut answer = sales();
    answer.columns[1].note = Some("resolution: months".to_owned());
    let sum = binary(BinaryOperator::Add, output(1), output(1));
    let presentation =
        Presentation { columns: vec![shown(sum), shown(output(0))], ..Presentation::default() };
    let table = apply(&presentation, &answer).expect("well formed");
    assert_eq!(table.columns[0].note.as_deref(), Some("resolution: months"));
    assert_eq!(table.columns[1].note, None);
}

/// A generator of numbers (splitmix64); enough for shuffling.
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[test]
fn random_tables_are_sorted_filtered_and_cut_as_a_slow_way_does() {
    for seed in 0..200u64 {
        let mut next = random(seed);
        let mut cell = || match next() % 8 {
            0 => Value::Null,
            other => json!(other as i64 - 4),
        };
        let count = 1 + (seed % 23) as usize;
        let rows: Vec<Vec<Value>> = (0..count).map(|_| vec![cell(), cell()]).collect();
        let columns = vec![column("a", AnswerType::Integer, 0), column("b", AnswerType::Integer, 0)];
        let (least, limit, offset) = (seed as i64 % 5 - 2, seed % 7, seed % 3);
        let (descending, nulls_first) = (seed % 2 == 0, seed % 4 < 2);
        let presentation = Presentation {
            having: Some(binary(BinaryOperator::GreaterOrEqual, output(0), number(&least.to_string()))),
            order: vec![key(output(1), descending, nulls_first)],
            offset,
            limit: Some(limit),
            ..Presentation::plain(["a".to_owned(), "b".to_owned()])
        };
        let table = apply(&presentation, &answer(columns, rows.clone())).expect("well formed");
        // By ranks: NULL is beyond every number on the side it belongs to.
        let rank = |row: &[Value]| match row[1].as_i64() {
            None if nulls_first => i64::MIN,
            None => i64::MAX,
            Some(value) if descending => -value,
            Some(value) => value,
        };
        let mut expected: Vec<_> =
            rows.into_iter().filter(|row| row[0].as_i64().is_some_and(|a| a >= least)).collect();
        expected.sort_by_key(|row| rank(row));
        let expected: Vec<_> = expected.into_iter().skip(offset as usize).take(limit as usize).collect();
        assert_eq!(table.rows, expected, "seed {seed}");
    }
}
