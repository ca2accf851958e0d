//! What a buyer reads, compared word by word.

use sordino_protocol::{
    digest::Digest,
    predicate::{CodeSet, Predicate},
    presentation::{BinaryOperator, PostExpression, Presentation, Shown, SortKey},
    query::{
        Branch, Class, Expression, GroupKey, LabelKind, Monomial, Output, Pair, Query, Rank, Score,
        ScoreNode, ScoreTerm, Spread, Value,
    },
    schema::{ColumnId, Schema},
};

use super::*;

const AGE: ColumnId = ColumnId(0);
const HOUSING: ColumnId = ColumnId(1);
const PRICE: ColumnId = ColumnId(2);
const DISCOUNT: ColumnId = ColumnId(3);
const SHIPPED: ColumnId = ColumnId(4);

fn schema() -> Schema {
    toml::from_str(
        "table = \"t\"\n[[column]]\nname = \"age\"\nnullable = true\n\
         dimension = { kind = \"integer\", min = 18, max = 80 }\nmeasure = { scale = 0, min = 18, max = 80 }\n\
         [[column]]\nname = \"housing\"\n\
         dimension = { kind = \"category\", values = [\"own\", \"rent\", \"it's\", \"free\"] }\n\
         [[column]]\nname = \"price\"\nmeasure = { scale = 2, min = 0, max = 90000 }\n\
         [[column]]\nname = \"discount\"\nnullable = true\nmeasure = { scale = 2, min = 0, max = 10 }\n\
         [[column]]\nname = \"shipped late\"\ndimension = { kind = \"order\", left = \"age\", right = \"price\" }\n\
         nullable = true\n",
    )
    .expect("a schema")
}

fn part(column: ColumnId, ranges: &[(u32, u32)]) -> Predicate {
    Predicate::column_in(&schema(), column, CodeSet::from_ranges(ranges.to_vec()))
}

fn ask(expressions: Vec<Expression>, predicate: Predicate, groups: Vec<GroupKey>) -> Query {
    let output = |(position, expression)| Output { name: format!("o{position}"), expression };
    let outputs = expressions.into_iter().enumerate().map(output).collect();
    Query { dataset: Digest::from_bytes([0; 32]), outputs, predicate, groups, scores: vec![] }
}

fn shown(expression: Expression) -> String {
    let query = ask(vec![expression], Predicate::All, vec![]);
    query.validate(&schema()).expect("valid");
    let text = super::query(&schema(), &query);
    let inside = text.strip_prefix("SELECT ").and_then(|text| text.strip_suffix(" AS o0 FROM t"));
    inside.expect("one output").to_owned()
}

fn monomial(coefficient: i64, columns: &[ColumnId]) -> Monomial {
    Monomial { coefficient, columns: columns.to_vec() }
}

#[test]
fn scores_are_told_by_what_they_add_up() {
    let points = ScoreTerm::Codes { column: HOUSING, values: vec![3, 0, 1, 2] };
    let codes = CodeSet::from_ranges(vec![(0, 12)]);
    let tree =
        vec![ScoreNode::Split { column: AGE, codes, right: 2 }, ScoreNode::Leaf(0), ScoreNode::Leaf(4)];
    let both = Score { intercept: 0, terms: vec![points.clone(), ScoreTerm::Tree(tree)] };
    let only = Score { intercept: 1, terms: vec![points] };
    let band = |from, to| Expression::Band { score: 0, from, to, when: Predicate::All };
    let mut bands = ask(vec![band(0, 3), band(3, 8)], Predicate::All, vec![]);
    bands.scores = vec![both.clone()];
    assert_eq!(bands.validate(&schema()), Ok(()));
    assert_eq!(
        query(&schema(), &bands),
        "SELECT 2 bands of one score: COUNT(rows whose score of a tree over age, housing is from 0 to below 3) \
         AS o0 FROM t"
    );
    let labels = vec!["no".to_owned(), "yes".to_owned()];
    let key = GroupKey::Largest { labels, scores: vec![only, both] };
    let asked = ask(vec![Expression::Group(0), Expression::Count(Predicate::All)], Predicate::All, vec![key]);
    assert_eq!(asked.validate(&schema()), Ok(()));
    assert_eq!(
        query(&schema(), &asked),
        "SELECT CLASS OF THE LARGEST SCORE ('no' by housing; 'yes' by a tree over age, housing) AS o0, \
         COUNT(*) AS o1 FROM t GROUP BY 1"
    );
}

#[test]
fn a_query_reads_like_the_sql_it_came_from() {
    let predicate = Predicate::and(&schema(), vec![part(AGE, &[(12, 63)]), part(HOUSING, &[(0, 1), (2, 3)])]);
    let average = Expression::Average(Value::measure(&schema(), AGE));
    let mut asked = ask(vec![Expression::Group(0), average], predicate, vec![GroupKey::Codes(HOUSING)]);
    asked.outputs[0].name = "housing".to_owned();
    assert_eq!(
        query(&schema(), &asked),
        "SELECT housing, AVG(age) AS o1 FROM t WHERE age >= 30 AND housing IN ('own', 'it''s') \
         GROUP BY housing"
    );
    let condition = |predicate: Predicate| {
        let text = query(&schema(), &Query { predicate, groups: vec![], ..asked.clone() });
        text.split_once(" WHERE ").map(|(_, condition)| condition.to_owned()).unwrap_or_default()
    };
    assert_eq!(condition(part(AGE, &[(0, 2), (63, 64)])), "age < 20 OR age IS NULL");
    assert_eq!(condition(part(AGE, &[(2, 3), (5, 63)])), "age = 20 OR age >= 23");
    assert_eq!(condition(part(AGE, &[(0, 63)])), "age IS NOT NULL");
    assert_eq!(condition(part(DISCOUNT, &[(1, 2)])), "discount IS NULL");
    assert_eq!(condition(part(HOUSING, &[(0, 2), (3, 4)])), "housing <> 'it''s'");
    assert_eq!(condition(part(SHIPPED, &[(0, 1)])), "age < price");
    assert_eq!(condition(part(SHIPPED, &[(1, 3)])), "age >= price");
    assert_eq!(condition(Predicate::Nothing), "FALSE");
    let either = Predicate::or(&schema(), vec![part(AGE, &[(2, 9)]), part(HOUSING, &[(0, 1)])]);
    let nested = Predicate::and(&schema(), vec![either, part(SHIPPED, &[(1, 2)])]);
    assert_eq!(condition(nested), "age = price AND ((age >= 20 AND age < 27) OR housing = 'own')");
}

#[test]
fn values_read_as_arithmetic_and_conditions() {
    let schema = schema();
    let owners = part(HOUSING, &[(0, 1)]);
    let discounted = Predicate::present(&schema, DISCOUNT);
    let paid = [monomial(100, &[PRICE]), monomial(-1, &[PRICE, DISCOUNT])];
    let branch = |when: &Predicate, monomials: &[Monomial]| Branch {
        when: when.clone(),
        monomials: monomials.to_vec(),
    };
    let value = |scale, branches: Vec<Branch>| Value { scale, branches };
    let revenue = value(4, vec![branch(&discounted, &paid)]);
    assert_eq!(shown(Expression::Sum(revenue.clone())), "SUM(price - price * discount)");
    let of_owners = revenue.filtered(&schema, &owners);
    assert_eq!(
        shown(Expression::Average(of_owners)),
        "AVG(price - price * discount) FILTER (WHERE housing = 'own')"
    );
    let cases = vec![branch(&owners, &[monomial(150, &[])]), branch(&Predicate::All, &[])];
    assert_eq!(shown(Expression::Sum(value(2, cases))), "SUM(CASE WHEN housing = 'own' THEN 1.5 ELSE 0 END)");
    // Only a forged query counts a missing value as 0: that must be seen.
    let careless = value(2, vec![branch(&Predicate::All, &[monomial(-200, &[DISCOUNT])])]);
    assert_eq!(shown(Expression::Sum(careless)), "SUM(-200 * COALESCE(discount, 0))");
    let scaled = value(0, vec![branch(&Predicate::All, &[monomial(3, &[PRICE])])]);
    assert_eq!(shown(Expression::Sum(scaled)), "SUM(300 * price)");
    assert_eq!(
        shown(Expression::Pair {
            statistic: Pair::Slope,
            y: Value::measure(&schema, PRICE).filtered(&schema, &owners),
            x: Value::measure(&schema, AGE)
        }),
        "REGR_SLOPE(CASE WHEN housing = 'own' THEN price END, age)"
    );
    let spread =
        Expression::Spread { statistic: Spread::DeviationSample, value: Value::measure(&schema, PRICE) };
    assert_eq!(shown(spread), "STDDEV_SAMP(price)");
}

#[test]
fn counts_and_ranks_say_of_what() {
    let owners = part(HOUSING, &[(0, 1)]);
    assert_eq!(shown(Expression::Count(Predicate::All)), "COUNT(*)");
    assert_eq!(shown(Expression::Count(Predicate::present(&schema(), AGE))), "COUNT(age)");
    assert_eq!(shown(Expression::Count(owners.clone())), "COUNT(*) FILTER (WHERE housing = 'own')");
    let distinct = Expression::Distinct { column: AGE, when: owners.clone() };
    assert_eq!(shown(distinct), "COUNT(DISTINCT age) FILTER (WHERE housing = 'own')");
    let rank = |rank| shown(Expression::Quantile { rank, column: AGE, when: Predicate::All });
    assert_eq!(rank(Rank::Lowest), "MIN(age)");
    assert_eq!(rank(Rank::Percentile(950_000)), "APPROX_PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY age)");
}

#[test]
fn classes_are_spelled_out_once() {
    let class = |label: Option<&str>, when| Class { label: label.map(str::to_owned), when };
    let young = vec![class(Some("young"), part(AGE, &[(0, 12)])), class(None, Predicate::All)];
    let key = GroupKey::Classes { kind: LabelKind::Text, classes: young };
    let by_age =
        ask(vec![Expression::Group(0), Expression::Count(Predicate::All)], Predicate::All, vec![key]);
    assert_eq!(
        query(&schema(), &by_age),
        "SELECT CASE WHEN age < 30 THEN 'young' ELSE NULL END AS o0, COUNT(*) AS o1 FROM t GROUP BY 1"
    );
}

#[test]
fn what_happens_after_opening_is_a_query_around_it() {
    let owners = part(HOUSING, &[(0, 1)]);
    let asked = ask(
        vec![Expression::Group(0), Expression::Count(Predicate::All), Expression::Count(owners)],
        Predicate::All,
        vec![GroupKey::Codes(HOUSING)],
    );
    let names = || asked.outputs.iter().map(|output| output.name.clone());
    let plain = Presentation::plain(names());
    assert_eq!(presented(&schema(), &asked, &plain), query(&schema(), &asked));
    let output = |position| Box::new(PostExpression::Output(position));
    let number = |text: &str| Box::new(PostExpression::Number(text.to_owned()));
    let binary = |operator, left, right| PostExpression::Binary { operator, left, right };
    let more = binary(BinaryOperator::Add, output(2), number("1"));
    let share = binary(BinaryOperator::Divide, Box::new(more), output(1));
    let richer = Presentation {
        columns: vec![
            Shown { name: "o0".to_owned(), expression: PostExpression::Output(0) },
            Shown { name: "share".to_owned(), expression: share.clone() },
        ],
        having: Some(binary(BinaryOperator::Greater, output(1), number("20"))),
        order: vec![SortKey { expression: share, descending: true, nulls_first: false }],
        offset: 2,
        limit: Some(3),
    };
    let inner = query(&schema(), &asked);
    assert_eq!(
        presented(&schema(), &asked, &richer),
        format!(
            "SELECT o0, (o2 + 1) / o1 AS share FROM (\n  {inner}\n) WHERE o1 > 20 \
             ORDER BY (o2 + 1) / o1 DESC NULLS LAST LIMIT 3 OFFSET 2"
        )
    );
}
