//! Texts that are refused: the code, and the fragment that is named.

use sordino_protocol::problem::ProblemCode::{self, SqlSyntax, SqlUnsupported, TypeMismatch, UnknownColumn};

use crate::sql::{SqlError, bind, samples};

fn refusal(sql: &str) -> SqlError {
    match bind(samples::dataset(), &samples::schema(), sql) {
        Ok(query) => panic!("{sql}: understood as {query:?}"),
        Err(error) => error,
    }
}

#[test]
fn what_is_refused_is_named() {
    let t = "FROM german_credit";
    let table: Vec<(String, ProblemCode, &str)> = vec![
        (format!("SELECT * {t}"), SqlUnsupported, "*"),
        (format!("SELECT housing {t}"), SqlUnsupported, "housing"),
        (format!("SELECT housing {t} GROUP BY housing"), SqlUnsupported, "housing"),
        (format!("SELECT housing, COUNT(*) {t}"), SqlUnsupported, "housing"),
        (format!("SELECT DISTINCT housing {t}"), SqlUnsupported, "housing"),
        (format!("SELECT DISTINCT COUNT(*) {t} GROUP BY housing"), SqlUnsupported, "DISTINCT"),
        (format!("SELECT MIN(credit_amount) {t}"), SqlUnsupported, "MIN(credit_amount)"),
        (format!("SELECT 1 {t}"), SqlUnsupported, "1"),
        (format!("SELECT SUM(duration_in_month) {t}"), SqlUnsupported, "SUM(duration_in_month)"),
        (format!("SELECT SUM(housing) {t}"), TypeMismatch, "SUM(housing)"),
        (format!("SELECT AVG(opened) {t}"), TypeMismatch, "AVG(opened)"),
        (format!("SELECT COUNT(*) OVER () {t}"), SqlUnsupported, "OVER"),
        (format!("SELECT COUNT(*), COUNT(1) {t}"), SqlUnsupported, "count(*)"),
        (format!("SELECT COUNT(*) {t} GROUP BY credit_amount"), SqlUnsupported, "GROUP BY credit_amount"),
        (format!("SELECT COUNT(*) {t} GROUP BY CUBE (housing)"), SqlUnsupported, "CUBE"),
        (format!("SELECT COUNT(*) {t} GROUP BY ROLLUP (housing)"), SqlUnsupported, "ROLLUP"),
        (format!("SELECT COUNT(*) {t} FETCH FIRST 3 ROWS ONLY"), SqlUnsupported, "FETCH"),
        (format!("SELECT COUNT(*) {t} JOIN german_credit b ON true"), SqlUnsupported, "JOIN"),
        (format!("SELECT COUNT(*) {t}, german_credit b"), SqlUnsupported, "german_credit b"),
        ("SELECT COUNT(*) FROM (SELECT * FROM german_credit) x".to_owned(), SqlUnsupported, "SELECT * FROM"),
        ("SELECT COUNT(*) FROM other_table".to_owned(), SqlUnsupported, "other_table"),
        ("SELECT COUNT(*) FROM pg_catalog.german_credit".to_owned(), SqlUnsupported, "pg_catalog"),
        ("SELECT COUNT(*)".to_owned(), SqlUnsupported, "COUNT(*)"),
        (format!("SELECT COUNT(*) {t} UNION SELECT COUNT(*) {t}"), SqlUnsupported, "UNION"),
        (format!("WITH x AS (SELECT 1) SELECT COUNT(*) {t}"), SqlUnsupported, "WITH"),
        (
            format!("SELECT COUNT(*) {t} WHERE housing IN (SELECT housing {t})"),
            SqlUnsupported,
            "SELECT housing",
        ),
        (format!("SELECT COUNT(*) {t} WHERE EXISTS (SELECT 1)"), SqlUnsupported, "EXISTS"),
        (format!("SELECT COUNT(*) {t}; SELECT COUNT(*) {t}"), SqlUnsupported, "SELECT"),
        ("DROP TABLE german_credit".to_owned(), SqlUnsupported, "DROP TABLE"),
        ("INSERT INTO german_credit VALUES (1)".to_owned(), SqlUnsupported, "INSERT"),
        (format!("EXPLAIN SELECT COUNT(*) {t}"), SqlUnsupported, "EXPLAIN"),
        (format!("SELECT COUNT(*) {t} WHERE credit_amount > 3"), SqlUnsupported, "credit_amount > 3"),
        (
            format!("SELECT COUNT(*) {t} WHERE duration_in_month > 20"),
            SqlUnsupported,
            "duration_in_month > 20",
        ),
        (format!("SELECT COUNT(*) {t} WHERE rate >= 1.49"), SqlUnsupported, "rate"),
        (format!("SELECT COUNT(*) {t} WHERE opened > '2020-02-01'"), SqlUnsupported, "opened"),
        (format!("SELECT COUNT(*) {t} WHERE CAST(rate AS INT) = 3"), SqlUnsupported, "CAST"),
        (format!("SELECT COUNT(*) {t} WHERE TRY_CAST(rate AS INT) = 3"), SqlUnsupported, "CAST"),
        (format!("SELECT COUNT(DISTINCT credit_amount) {t}"), SqlUnsupported, "credit_amount"),
        (format!("SELECT COUNT(DISTINCT duration_in_month) {t}"), SqlUnsupported, "duration_in_month"),
        (format!("SELECT SUM(DISTINCT credit_amount) {t}"), SqlUnsupported, "DISTINCT"),
        (format!("SELECT MEDIAN(age_in_years + 1) {t}"), SqlUnsupported, "age_in_years + 1"),
        (format!("SELECT MAX(telephone) {t}"), SqlUnsupported, "telephone"),
        (
            format!("SELECT PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY age_in_years) {t}"),
            SqlUnsupported,
            "0.9",
        ),
        (format!("SELECT APPROX_PERCENTILE_CONT(age_in_years, 1.5) {t}"), SqlUnsupported, "1.5"),
        (format!("SELECT ARRAY_AGG(housing) {t}"), SqlUnsupported, "ARRAY_AGG"),
        (format!("SELECT lpad(housing, 2000000000), COUNT(*) {t} GROUP BY 1"), SqlUnsupported, "lpad"),
        (format!("SELECT SUM(credit_amount / rate) {t}"), SqlUnsupported, "credit_amount / rate"),
        (format!("SELECT SUM(credit_amount / 10) {t}"), SqlUnsupported, "credit_amount / 10"),
        (format!("SELECT SUM(credit_amount % 7) {t}"), SqlUnsupported, "credit_amount % 7"),
        (format!("SELECT SUM(CAST(rate AS INT)) {t}"), SqlUnsupported, "CAST(rate"),
        (format!("SELECT SUM(sqrt(credit_amount)) {t}"), SqlUnsupported, "sqrt"),
        (
            format!("SELECT SUM(rate * rate * rate * rate * rate * rate * rate) {t}"),
            SqlUnsupported,
            "rate * rate",
        ),
        (
            format!("SELECT SUM(CASE WHEN credit_amount > 3 THEN 1 END) {t}"),
            SqlUnsupported,
            "credit_amount > 3",
        ),
        (format!("SELECT SUM(CASE WHEN housing = 3 THEN 1 END) {t}"), TypeMismatch, "housing = 3"),
        (format!("SELECT SUM(CASE WHEN foreign_worker THEN 'x' END) {t}"), TypeMismatch, "x"),
        (format!("SELECT COUNT(*) FILTER (WHERE housing) {t}"), TypeMismatch, "housing"),
        (
            format!("SELECT COUNT(*) {t} WHERE duration_in_month < age_in_years"),
            SqlUnsupported,
            "duration_in_month",
        ),
        (format!("SELECT COUNT(*) {t} WHERE limit_used < credit_amount"), SqlUnsupported, "credit_amount"),
        (format!("SELECT COUNT(*) {t} WHERE housing || 'x' = 'ownx'"), SqlUnsupported, "housing"),
        (format!("SELECT COUNT(*) {t} WHERE housing SIMILAR TO 'o.*'"), SqlUnsupported, "housing"),
        (format!("SELECT COUNT(*) {t} WHERE housing ~ 'o.*'"), SqlUnsupported, "housing"),
        (format!("SELECT COUNT(*) {t} WHERE SUM(rate) > 3"), SqlUnsupported, "rate"),
        (format!("SELECT COUNT(*) {t} WHERE extract(day FROM opened) = 3"), SqlUnsupported, "opened"),
        (format!("SELECT COUNT(*) {t} GROUP BY date_trunc('week', opened)"), SqlUnsupported, "opened"),
        (format!("SELECT COUNT(*) {t} GROUP BY credit_amount + 1"), SqlUnsupported, "credit_amount + 1"),
        (
            format!("SELECT COUNT(*) {t} GROUP BY CASE WHEN foreign_worker THEN 1 ELSE 'a' END"),
            TypeMismatch,
            "CASE",
        ),
        (format!("SELECT housing {t} HAVING COUNT(*) > 1"), SqlUnsupported, "housing"),
        (format!("SELECT housing, COUNT(*) {t} GROUP BY 1 HAVING housing > 3"), TypeMismatch, "housing > 3"),
        (
            format!("SELECT COUNT(*) {t} GROUP BY duration_in_month HAVING duration_in_month > 3"),
            SqlUnsupported,
            "duration_in_month",
        ),
        (format!("SELECT housing, COUNT(*) {t} GROUP BY 1 ORDER BY rate"), SqlUnsupported, ""),
        (format!("SELECT COUNT(*) {t} LIMIT -1"), SqlUnsupported, "-1"),
        (format!("SELECT round(AVG(rate)) {t}"), SqlUnsupported, "round"),
        (format!("EXPLAIN ANALYZE SELECT COUNT(*) {t}"), SqlUnsupported, "EXPLAIN ANALYZE"),
        (format!("SELECT COUNT(*) {t} WHERE age_in_years = $1"), SqlUnsupported, "$1"),
        (
            format!("SELECT COUNT(*) {t} WHERE age_in_years = 'thirty'"),
            TypeMismatch,
            "age_in_years = 'thirty'",
        ),
        (format!("SELECT COUNT(*) {t} WHERE age_in_years IN (30, '31')"), TypeMismatch, "31"),
        (format!("SELECT COUNT(*) {t} WHERE age_in_years BETWEEN '1' AND 3"), TypeMismatch, "BETWEEN"),
        (format!("SELECT COUNT(*) {t} WHERE housing = 5"), TypeMismatch, "housing = 5"),
        (format!("SELECT COUNT(*) {t} WHERE grade = 2"), TypeMismatch, "grade = 2"),
        (format!("SELECT COUNT(*) {t} WHERE foreign_worker = 'yes'"), TypeMismatch, "foreign_worker"),
        (format!("SELECT COUNT(*) {t} WHERE foreign_worker = 1"), TypeMismatch, "foreign_worker = 1"),
        (format!("SELECT COUNT(*) {t} WHERE opened > 'yesterday'"), TypeMismatch, "yesterday"),
        (format!("SELECT COUNT(*) {t} WHERE opened > 20200101"), TypeMismatch, "20200101"),
        (format!("SELECT COUNT(*) {t} WHERE opened > DATE '2020-13-01'"), TypeMismatch, "2020-13-01"),
        (format!("SELECT COUNT(*) {t} WHERE age_in_years"), TypeMismatch, "age_in_years"),
        (format!("SELECT COUNT(*) {t} WHERE housing AND true"), TypeMismatch, "housing"),
        (format!("SELECT COUNT(*) {t} WHERE age_in_year > 3"), UnknownColumn, "age_in_year"),
        (format!("SELECT SUM(amount) {t}"), UnknownColumn, "amount"),
        (format!("SELECT COUNT(*) AS n {t} WHERE n > 3"), UnknownColumn, "n"),
        (format!("SELECT COUNT(*) AS n, SUM(n) AS m {t}"), UnknownColumn, "n"),
        (format!("SELECT COUNT(*) AS n {t} GROUP BY n"), SqlUnsupported, ""),
        (format!("SELECT COUNT(*) {t} GROUP BY zzz"), UnknownColumn, "zzz"),
        (format!("SELECT COUNT(*) {t} WHERE note = 'x'"), UnknownColumn, "note"),
        (format!("SELECT COUNT(*) {t} WHERE housing = \"own\""), UnknownColumn, "own"),
        ("SELECT COUNT(* FROM german_credit".to_owned(), SqlSyntax, ""),
        ("SELECT 'abc".to_owned(), SqlSyntax, ""),
        ("hello".to_owned(), SqlSyntax, ""),
        (String::new(), SqlSyntax, ""),
        (";;".to_owned(), SqlSyntax, ""),
    ];
    let mut wrong = Vec::new();
    for (sql, code, fragment) in &table {
        match bind(samples::dataset(), &samples::schema(), sql) {
            Ok(query) => wrong.push(format!("{sql}: understood as {query:?}")),
            Err(error) if error.code() != *code || !error.fragment().unwrap_or("").contains(fragment) => {
                wrong.push(format!("{sql}: {:?}, {:?}: {error}", error.code(), error.fragment()));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_refusal_says_what_to_do() {
    let of = |condition: &str| {
        refusal(&format!("SELECT COUNT(*) FROM german_credit WHERE {condition}")).to_string()
    };
    let cut = of("duration_in_month > 20");
    assert!(cut.contains("from 12 up to 24") && cut.contains("duration_in_month >= 12"), "{cut}");
    let near = of("age_in_year > 3");
    assert!(near.contains("did you mean `age_in_years`?"), "{near}");
    let quotes = of("housing = \"own\"");
    assert!(quotes.contains("single quotes: 'own'"), "{quotes}");
    let number = of("age_in_years = 'thirty'");
    assert!(number.contains("without quotes (integers 19 to 75)"), "{number}");
    let select = |list: &str| refusal(&format!("SELECT {list} FROM german_credit")).to_string();
    let least = select("MIN(credit_amount)");
    assert!(least.contains("can publish `credit_amount` as a dimension"), "{least}");
    let divided = select("SUM(credit_amount / 3)");
    assert!(divided.contains("SUM(x) / 3"), "{divided}");
    let unknown = select("FOO(credit_amount)");
    assert!(unknown.contains("stddev_pop") && unknown.contains("width_bucket"), "{unknown}");
    let table = refusal("SELECT COUNT(*) FROM credit").to_string();
    assert!(table.contains("`german_credit`"), "{table}");
}

#[test]
fn too_many_groups_are_refused() {
    let sql = "SELECT COUNT(*) FROM german_credit \
               GROUP BY age_in_years, housing, creditability, opened, telephone, rate";
    assert!(matches!(refusal(sql), SqlError::Query { .. }));
}
