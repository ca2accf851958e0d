//! Aggregates and grouping keys, and what they mean.

use sordino_protocol::{
    predicate::Predicate,
    query::{Branch, Class, Expression, GroupKey, LabelKind, Monomial, Pair, Rank, Spread, Value},
    schema::ColumnId,
};

use super::accepted::{AGE, HOUSING, codes, measure, understood};
use crate::sql::samples;

fn shown(aggregate: &str) -> Expression {
    understood(&format!("SELECT {aggregate} FROM german_credit")).outputs[0].expression.clone()
}

#[test]
fn arithmetic_of_measures_is_exact() {
    let term = |coefficient, columns: &[u16]| Monomial {
        coefficient,
        columns: columns.iter().copied().map(ColumnId).collect(),
    };
    let branch = |when: Predicate, monomials: Vec<Monomial>| Branch { when, monomials };
    let value = |scale, branches| Expression::Sum(Value { scale, branches });
    let rated = || codes(ColumnId(5), &[(0, 3)]);
    // rate has two decimal places, credit_amount none.
    assert_eq!(
        shown("SUM(credit_amount * (1 - rate))"),
        value(2, vec![branch(rated(), vec![term(100, &[4]), term(-1, &[4, 5])])])
    );
    assert_eq!(
        shown("SUM(-2 * credit_amount + 0.5)"),
        value(1, vec![branch(Predicate::All, vec![term(5, &[]), term(-20, &[4])])])
    );
    assert_eq!(shown("SUM(rate / 4)"), value(4, vec![branch(rated(), vec![term(25, &[5])])]));
    assert_eq!(
        shown("SUM(coalesce(rate, 0))"),
        value(2, vec![branch(rated(), vec![term(1, &[5])]), branch(Predicate::All, vec![])])
    );
    let own = codes(HOUSING, &[(1, 2)]);
    assert_eq!(
        shown("SUM(CASE WHEN housing = 'own' THEN credit_amount ELSE 0 END)"),
        value(0, vec![branch(own.clone(), vec![term(1, &[4])]), branch(Predicate::All, vec![])])
    );
    assert_eq!(
        shown("SUM(credit_amount) FILTER (WHERE housing = 'own')"),
        value(0, vec![branch(own.clone(), vec![term(1, &[4])])])
    );
    // A row that owns its home and has no rate gets NULL, not 1.
    let schema = samples::schema();
    assert_eq!(
        shown("SUM(CASE housing WHEN 'own' THEN rate ELSE 1 END)"),
        value(
            2,
            vec![
                branch(Predicate::and(&schema, vec![own.clone(), rated()]), vec![term(1, &[5])]),
                branch(own.negated(&schema), vec![term(100, &[])]),
            ]
        )
    );
}

#[test]
fn every_aggregate() {
    let all = Predicate::All;
    let spread = |statistic| Expression::Spread { statistic, value: measure(4) };
    let pair = |statistic| Expression::Pair { statistic, y: measure(4), x: measure(11) };
    let quantile = |rank| Expression::Quantile { rank, column: AGE, when: all.clone() };
    let table = [
        ("COUNT(DISTINCT housing)", Expression::Distinct { column: HOUSING, when: all.clone() }),
        ("AVG(credit_amount)", Expression::Average(measure(4))),
        ("VAR_POP(credit_amount)", spread(Spread::VariancePopulation)),
        ("VARIANCE(credit_amount)", spread(Spread::VarianceSample)),
        ("STDDEV(credit_amount)", spread(Spread::DeviationSample)),
        ("STDDEV_POP(credit_amount)", spread(Spread::DeviationPopulation)),
        ("COVAR_POP(credit_amount, limit_used)", pair(Pair::CovariancePopulation)),
        ("COVAR(credit_amount, limit_used)", pair(Pair::CovarianceSample)),
        ("CORR(credit_amount, limit_used)", pair(Pair::Correlation)),
        ("REGR_SLOPE(credit_amount, limit_used)", pair(Pair::Slope)),
        ("REGR_INTERCEPT(credit_amount, limit_used)", pair(Pair::Intercept)),
        ("REGR_R2(credit_amount, limit_used)", pair(Pair::R2)),
        ("MIN(age_in_years)", quantile(Rank::Lowest)),
        ("MAX(age_in_years)", quantile(Rank::Highest)),
        ("MEDIAN(age_in_years)", quantile(Rank::Median)),
        ("APPROX_PERCENTILE_CONT(age_in_years, 0.95)", quantile(Rank::Percentile(950_000))),
        (
            "APPROX_PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY age_in_years)",
            quantile(Rank::Percentile(950_000)),
        ),
        ("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY age_in_years)", quantile(Rank::Median)),
        ("PERCENTILE_DISC(0.1) WITHIN GROUP (ORDER BY age_in_years)", quantile(Rank::Percentile(100_000))),
    ];
    for (text, expected) in table {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn grouping_keys_have_classes_in_a_stable_order() {
    let key = |expr: &str| {
        let query = understood(&format!("SELECT {expr} AS k, COUNT(*) FROM german_credit GROUP BY 1"));
        match query.groups.into_iter().next() {
            Some(GroupKey::Classes { kind, classes }) => {
                let label = |class: &Class| class.label.clone().unwrap_or_else(|| "NULL".to_owned());
                (kind, classes.iter().map(label).collect::<Vec<_>>().join(" "))
            }
            other => panic!("{expr}: {other:?}"),
        }
    };
    let table = [
        ("date_trunc('month', opened)", LabelKind::Date, "2020-01-01 2020-02-01 2020-03-01"),
        ("extract(month FROM opened)", LabelKind::Integer, "1 2 3"),
        ("width_bucket(age_in_years, 20, 60, 2)", LabelKind::Integer, "0 1 2 3"),
        (
            "CASE WHEN age_in_years < 30 THEN 'young' WHEN age_in_years < 50 THEN 'middle' ELSE 'old' END",
            LabelKind::Text,
            "young middle old",
        ),
        (
            "CASE WHEN telephone = 'none' THEN 2 WHEN housing = 'own' THEN 1 END",
            LabelKind::Integer,
            "2 1 NULL",
        ),
        ("telephone IS NULL", LabelKind::Boolean, "false true"),
        ("telephone = 'none' AND foreign_worker", LabelKind::Boolean, "false true NULL"),
        ("substr(housing, 1, 1)", LabelKind::Text, "f o r"),
        ("age_in_years / 20", LabelKind::Integer, "0 1 2 3"),
        ("coalesce(telephone, 'unknown')", LabelKind::Text, "none it's \"listed\" unknown"),
        ("CASE WHEN age_in_years > 30 THEN housing ELSE 'any' END", LabelKind::Text, "for free own rent any"),
    ];
    for (expr, kind, labels) in table {
        assert_eq!(key(expr), (kind, labels.to_owned()), "{expr}");
    }
}
