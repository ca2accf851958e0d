//! Texts and the queries they mean.

use sordino_protocol::{
    canonical::Canonical,
    predicate::{CodeSet, Predicate},
    query::{Expression, GroupKey, Query, Value},
    schema::ColumnId,
};

use crate::sql::{bind, samples};

pub(super) const AGE: ColumnId = ColumnId(2);
pub(super) const HOUSING: ColumnId = ColumnId(1);

pub(super) fn understood(sql: &str) -> Query {
    bind(samples::dataset(), &samples::schema(), sql).unwrap_or_else(|error| panic!("{sql}: {error}")).query
}

/// The predicate of `SELECT COUNT(*) ... WHERE condition`.
fn condition(condition: &str) -> Predicate {
    understood(&format!("SELECT COUNT(*) FROM german_credit WHERE {condition}")).predicate
}

pub(super) fn codes(column: ColumnId, ranges: &[(u32, u32)]) -> Predicate {
    Predicate::column_in(&samples::schema(), column, CodeSet::from_ranges(ranges.to_vec()))
}

pub(super) fn measure(column: u16) -> Value {
    Value::measure(&samples::schema(), ColumnId(column))
}

#[test]
fn the_example_of_the_readme() {
    let query = understood(
        "SELECT creditability, COUNT(*), AVG(credit_amount) FROM german_credit \
         WHERE age_in_years >= 30 AND housing = 'own' GROUP BY creditability",
    );
    let outputs: Vec<_> = query.outputs.iter().map(|o| (o.name.as_str(), o.expression.clone())).collect();
    assert_eq!(
        outputs,
        [
            ("creditability", Expression::Group(0)),
            ("count(*)", Expression::Count(Predicate::All)),
            ("avg(credit_amount)", Expression::Average(measure(4))),
        ]
    );
    let expected =
        Predicate::and(&samples::schema(), vec![codes(AGE, &[(11, 57)]), codes(HOUSING, &[(1, 2)])]);
    assert_eq!(query.predicate, expected);
    assert_eq!(query.groups, [GroupKey::Codes(ColumnId(0))]);
}

#[test]
fn every_form_of_output() {
    let query = understood(
        "SELECT COUNT(1) AS n, Count(telephone) \"With Phone\", sum(g.rate) total, avg(limit_used), \
         g.Housing, \"job title\", SUM(grade) AS grades FROM \"German_Credit\" AS g GROUP BY housing, 6",
    );
    let outputs: Vec<_> = query.outputs.iter().map(|o| (o.name.as_str(), o.expression.clone())).collect();
    assert_eq!(
        outputs,
        [
            ("n", Expression::Count(Predicate::All)),
            ("With Phone", Expression::Count(codes(ColumnId(7), &[(0, 2)]))),
            ("total", Expression::Sum(measure(5))),
            ("avg(limit_used)", Expression::Average(measure(11))),
            ("housing", Expression::Group(0)),
            ("Job Title", Expression::Group(1)),
            ("grades", Expression::Sum(measure(12))),
        ]
    );
    assert_eq!(query.groups, [GroupKey::Codes(HOUSING), GroupKey::Codes(ColumnId(9))]);
    assert_eq!(query.predicate, Predicate::All);
}

#[test]
fn conditions_and_the_codes_they_select() {
    let table: &[(&str, Predicate)] = &[
        ("age_in_years = 30", codes(AGE, &[(11, 12)])),
        ("30 < age_in_years", codes(AGE, &[(12, 57)])),
        ("age_in_years <> 19", codes(AGE, &[(1, 57)])),
        ("age_in_years >= 29.5", codes(AGE, &[(11, 57)])),
        ("age_in_years > 29.5", codes(AGE, &[(11, 57)])),
        ("age_in_years <= 29.5", codes(AGE, &[(0, 11)])),
        ("age_in_years = 29.5", Predicate::Nothing),
        ("age_in_years <> 29.5", Predicate::All),
        ("age_in_years < 1e2", Predicate::All),
        ("age_in_years > 99999999999999999999999", Predicate::Nothing),
        ("age_in_years BETWEEN 20 AND 22", codes(AGE, &[(1, 4)])),
        ("age_in_years NOT BETWEEN 20 AND 22", codes(AGE, &[(0, 1), (4, 57)])),
        ("age_in_years IN (20, 22, 99, 20)", codes(AGE, &[(1, 2), (3, 4)])),
        ("age_in_years NOT IN (20, 22)", codes(AGE, &[(0, 1), (2, 3), (4, 57)])),
        ("age_in_years IN (20, 22, NULL)", codes(AGE, &[(1, 2), (3, 4)])),
        ("age_in_years NOT IN (20, NULL)", Predicate::Nothing),
        ("age_in_years = 10 * 2 + 10", codes(AGE, &[(11, 12)])),
        ("age_in_years >= -5", Predicate::All),
        ("housing = 'own'", codes(HOUSING, &[(1, 2)])),
        ("housing = 'castle'", Predicate::Nothing),
        ("housing <> 'castle'", Predicate::All),
        ("'own' <> housing", codes(HOUSING, &[(0, 1), (2, 3)])),
        ("housing IN ('own', 'rent')", codes(HOUSING, &[(1, 3)])),
        ("housing IN ('own', 'rent', 'for free', 'a', 'b')", Predicate::All),
        ("housing NOT IN ('own', 'rent', 'x', 'y')", codes(HOUSING, &[(0, 1)])),
        ("telephone = 'it''s \"listed\"'", codes(ColumnId(7), &[(1, 2)])),
        ("telephone <> 'none'", codes(ColumnId(7), &[(1, 2)])),
        ("telephone IS NULL", codes(ColumnId(7), &[(2, 3)])),
        ("telephone IS NOT NULL", codes(ColumnId(7), &[(0, 2)])),
        ("NOT (telephone = 'none')", codes(ColumnId(7), &[(1, 2)])),
        ("telephone IS DISTINCT FROM 'none'", codes(ColumnId(7), &[(1, 3)])),
        ("telephone IS NOT DISTINCT FROM 'none'", codes(ColumnId(7), &[(0, 1)])),
        ("housing IS NULL", Predicate::Nothing),
        ("telephone = NULL", Predicate::Nothing),
        ("foreign_worker", codes(ColumnId(6), &[(1, 2)])),
        ("NOT foreign_worker", codes(ColumnId(6), &[(0, 1)])),
        ("foreign_worker = false", codes(ColumnId(6), &[(0, 1)])),
        ("foreign_worker IS NOT TRUE", codes(ColumnId(6), &[(0, 1), (2, 3)])),
        ("foreign_worker IS UNKNOWN", codes(ColumnId(6), &[(2, 3)])),
        ("(telephone = 'none') IS UNKNOWN", codes(ColumnId(7), &[(2, 3)])),
        ("duration_in_month < 24", codes(ColumnId(3), &[(0, 2)])),
        ("duration_in_month > 11", codes(ColumnId(3), &[(1, 4)])),
        ("duration_in_month >= 12 AND duration_in_month < 24", codes(ColumnId(3), &[(1, 2)])),
        ("duration_in_month = 100", Predicate::Nothing),
        ("rate >= 1.5", codes(ColumnId(5), &[(2, 3)])),
        ("rate < 0", codes(ColumnId(5), &[(0, 1)])),
        ("NOT rate < 0", codes(ColumnId(5), &[(1, 3)])),
        ("opened >= '2020-02-01'", codes(ColumnId(8), &[(1, 3)])),
        ("opened < DATE '2020-03-01'", codes(ColumnId(8), &[(0, 2)])),
        ("opened < DATE '2020-01-01' + INTERVAL '1 month'", codes(ColumnId(8), &[(0, 1)])),
        ("opened BETWEEN '2020-02-01' AND '2020-02-29'", codes(ColumnId(8), &[(1, 2)])),
        ("date_part('year', opened) = 2020", Predicate::All),
        ("CASE WHEN foreign_worker THEN true END", codes(ColumnId(6), &[(1, 2)])),
        ("housing > 'own'", codes(HOUSING, &[(2, 3)])),
        ("housing LIKE '%r%'", codes(HOUSING, &[(0, 1), (2, 3)])),
        ("housing NOT ILIKE 'O_N'", codes(HOUSING, &[(0, 1), (2, 3)])),
        ("telephone NOT LIKE 'n%'", codes(ColumnId(7), &[(1, 2)])),
        ("lower(housing) = 'own'", codes(HOUSING, &[(1, 2)])),
        ("age_in_years + 5 > 30", codes(AGE, &[(7, 57)])),
        ("age_in_years * 2 > 60", codes(AGE, &[(12, 57)])),
        ("3 = age_in_years::smallint - 17", codes(AGE, &[(1, 2)])),
        ("age_in_years % 10 = 0", codes(AGE, &[(1, 2), (11, 12), (21, 22), (31, 32), (41, 42), (51, 52)])),
        ("width_bucket(duration_in_month, 0, 48, 4) = 2", codes(ColumnId(3), &[(1, 2)])),
        ("date_trunc('month', opened) = DATE '2020-02-01'", codes(ColumnId(8), &[(1, 2)])),
        ("extract(month FROM opened) IN (1, 3)", codes(ColumnId(8), &[(0, 1), (2, 3)])),
        ("opened >= DATE '2020-03-01' - INTERVAL '1 month'", codes(ColumnId(8), &[(1, 3)])),
        ("opened + INTERVAL '1 month' < '2020-03-01'", codes(ColumnId(8), &[(0, 1)])),
        ("coalesce(telephone, 'none') = 'none'", codes(ColumnId(7), &[(0, 1), (2, 3)])),
        ("CASE housing WHEN 'own' THEN 1 ELSE 2 END = 1", codes(HOUSING, &[(1, 2)])),
        ("limit_used IS NULL", codes(ColumnId(11), &[(1, 2)])),
        ("limit_used IS NOT NULL", codes(ColumnId(11), &[(0, 1)])),
        ("age_in_years IS DISTINCT FROM NULL", Predicate::All),
        ("grade = '2'", codes(ColumnId(12), &[(1, 2)])),
        ("AGE_in_Years = 19 OR german_credit.\"AGE_IN_YEARS\" = 20", codes(AGE, &[(0, 2)])),
        ("true", Predicate::All),
        ("1 = 2", Predicate::Nothing),
        ("NULL", Predicate::Nothing),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in table {
        let sql = format!("SELECT COUNT(*) FROM german_credit WHERE {text}");
        match bind(samples::dataset(), &samples::schema(), &sql) {
            Ok(bound) if bound.query.predicate == *expected => {}
            found => wrong.push(format!("{text}: {found:?}, expected {expected:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn equal_questions_have_equal_digests() {
    let same: &[&[&str]] = &[
        &[
            "SELECT COUNT(*) FROM german_credit WHERE age_in_years >= 30 AND housing = 'own'",
            "select count(*) from GERMAN_CREDIT where housing = 'own' and not (age_in_years < 30);",
            "SELECT COUNT(1) FROM \"german_credit\" t WHERE (t.housing) IN ('own') AND 29 < t.age_in_years",
            "SELECT count(*) FROM german_credit -- a comment\n \
             WHERE age_in_years BETWEEN 30 AND 75 AND 'own' = housing",
            "SELECT COUNT(*) AS \"count(*)\" FROM german_credit \
             WHERE NOT (age_in_years <= 29 OR housing <> 'own')",
        ],
        &[
            "SELECT housing AS h, SUM(credit_amount) s FROM german_credit GROUP BY housing",
            "SELECT housing AS H, SUM(credit_amount) AS S FROM german_credit GROUP BY h",
            "SELECT housing h, SUM(credit_amount) s FROM german_credit GROUP BY 1, housing",
            "SELECT housing h, SUM(credit_amount) s FROM german_credit WHERE 1 = 1 GROUP BY ALL",
        ],
    ];
    for texts in same {
        let digests: Vec<_> = texts.iter().map(|sql| understood(sql).digest().expect("canonical")).collect();
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    }
    assert_ne!(condition("age_in_years > 30"), condition("age_in_years >= 30"));
}

#[test]
fn two_columns_are_compared_code_by_code() {
    let schema = samples::schema();
    let both = |a: &[(u32, u32)], b: &[(u32, u32)]| {
        Predicate::and(&schema, vec![codes(HOUSING, a), codes(ColumnId(9), b)])
    };
    // 'for free' comes before 'skilled' and 'unskilled', and so do 'own' and 'rent'.
    assert_eq!(condition("housing < \"Job Title\""), Predicate::All);
    assert_eq!(condition("housing = \"Job Title\""), Predicate::Nothing);
    let longer = condition("character_length(housing) > character_length(\"Job Title\")");
    assert_eq!(longer, both(&[(0, 1)], &[(0, 1)]));
    let case = condition(
        "CASE WHEN housing = 'own' THEN age_in_years > 30 WHEN creditability = 'bad' THEN foreign_worker END",
    );
    let expected = Predicate::or(
        &schema,
        vec![
            Predicate::and(&schema, vec![codes(HOUSING, &[(1, 2)]), codes(AGE, &[(12, 57)])]),
            Predicate::and(
                &schema,
                vec![
                    codes(HOUSING, &[(0, 1), (2, 3)]),
                    codes(ColumnId(0), &[(0, 1)]),
                    codes(ColumnId(6), &[(1, 2)]),
                ],
            ),
        ],
    );
    assert_eq!(case, expected);
}
