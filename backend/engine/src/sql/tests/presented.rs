//! What stands above the totals: the buyer's client does it.

use sordino_protocol::{
    predicate::Predicate,
    presentation::{BinaryOperator, PostExpression, Presentation, Shown, SortKey, UnaryOperator},
    query::Expression,
};

use crate::sql::{Bound, bind, bind_explained, samples};

fn bound(sql: &str) -> Bound {
    bind(samples::dataset(), &samples::schema(), sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn output(index: u16) -> PostExpression {
    PostExpression::Output(index)
}

fn number(text: &str) -> PostExpression {
    PostExpression::Number(text.to_owned())
}

fn binary(left: PostExpression, operator: BinaryOperator, right: PostExpression) -> PostExpression {
    PostExpression::Binary { operator, left: Box::new(left), right: Box::new(right) }
}

fn names(bound: &Bound) -> Vec<&str> {
    bound.query.outputs.iter().map(|output| output.name.as_str()).collect()
}

#[test]
fn outputs_as_they_are_need_nothing() {
    let found = bound("SELECT housing, COUNT(*), SUM(rate) AS r FROM german_credit GROUP BY housing");
    let names = ["housing", "count(*)", "r"].map(str::to_owned);
    assert_eq!(found.presentation, Presentation::plain(names));
    // Groups come in this order anyway.
    let sorted = bound(
        "SELECT housing, COUNT(*), SUM(rate) AS r FROM german_credit GROUP BY housing ORDER BY housing",
    );
    assert_eq!(sorted, found);
    let distinct = bound("SELECT DISTINCT housing, COUNT(*), SUM(rate) AS r FROM german_credit GROUP BY 1");
    assert_eq!(distinct, found);
}

#[test]
fn arithmetic_of_totals_needs_hidden_outputs() {
    let found = bound(
        "SELECT 100.0 * SUM(rate) / NULLIF(SUM(credit_amount), 0) AS share, SUM(rate) AS r, COUNT(*) * -2 \
         FROM german_credit",
    );
    assert_eq!(names(&found), ["sum(rate)", "sum(credit_amount)", "r", "count(*)"]);
    let share = binary(
        binary(number("100.0"), BinaryOperator::Multiply, output(0)),
        BinaryOperator::Divide,
        output(1),
    );
    let doubled = binary(output(3), BinaryOperator::Multiply, number("-2"));
    let shown = |name: &str, expression| Shown { name: name.to_owned(), expression };
    let columns = &found.presentation.columns;
    assert_eq!(columns[..2], [shown("share", share), shown("r", output(2))]);
    let doubled_as_written = match &columns[2].expression {
        PostExpression::Binary { right, .. } if matches!(**right, PostExpression::Unary { .. }) => binary(
            output(3),
            BinaryOperator::Multiply,
            PostExpression::Unary { operator: UnaryOperator::Negate, of: Box::new(number("2")) },
        ),
        _ => doubled,
    };
    assert_eq!(columns[2].expression, doubled_as_written);
}

#[test]
fn groups_are_kept_sorted_and_cut_by_the_client() {
    let found = bound(
        "SELECT housing AS h, AVG(credit_amount) AS a FROM german_credit GROUP BY h \
         HAVING COUNT(*) BETWEEN 2 AND 9 AND h <> 'rent' \
         ORDER BY SUM(rate) DESC, h NULLS FIRST LIMIT 5 OFFSET 2",
    );
    assert_eq!(names(&found), ["h", "a", "count(*)", "sum(rate)"]);
    assert_eq!(found.query.outputs[2].expression, Expression::Count(Predicate::All));
    let both = binary(
        binary(output(2), BinaryOperator::GreaterOrEqual, number("2")),
        BinaryOperator::And,
        binary(output(2), BinaryOperator::LessOrEqual, number("9")),
    );
    let other = binary(output(0), BinaryOperator::NotEqual, PostExpression::Text("rent".to_owned()));
    assert_eq!(found.presentation.having, Some(binary(both, BinaryOperator::And, other)));
    assert_eq!(
        found.presentation.order,
        [
            SortKey { expression: output(3), descending: true, nulls_first: true },
            SortKey { expression: output(0), descending: false, nulls_first: true },
        ]
    );
    assert_eq!((found.presentation.offset, found.presentation.limit), (2, Some(5)));
    assert_eq!(found.presentation.columns.len(), 2);
}

#[test]
fn grouped_expressions_may_be_shown_and_computed_with() {
    let found = bound(
        "SELECT date_trunc('month', opened) AS m, age_in_years + 1 AS next, MAX(opened) AS last, COUNT(*) \
         FROM german_credit GROUP BY date_trunc('month', opened), age_in_years \
         HAVING date_trunc('month', opened) >= '2020-02-01' AND age_in_years IN (30, 40) \
         ORDER BY 1 DESC",
    );
    assert_eq!(found.query.outputs[0].expression, Expression::Group(0));
    assert_eq!(found.query.outputs[1].expression, Expression::Group(1));
    assert_eq!(found.presentation.columns[1].expression, binary(output(1), BinaryOperator::Add, number("1")));
    assert!(found.presentation.order[0].descending);
}

#[test]
fn an_explanation_is_not_bought() {
    let (dataset, schema) = (samples::dataset(), samples::schema());
    let sql = "EXPLAIN SELECT COUNT(*) FROM german_credit";
    assert!(bind(dataset, &schema, sql).is_err());
    assert_eq!(bind_explained(dataset, &schema, sql), bind(dataset, &schema, &sql[8..]));
}
