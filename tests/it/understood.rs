//! What a buyer reads before he signs means what he signs for: read as SQL again, it is the same query.

use sordino_client::explain;
use sordino_engine::sql;
use sordino_protocol::{digest::Digest, schema::Schema};
use sordino_tests::tables;

/// Every kind of expression, condition and group.
const QUESTIONS: [&str; 16] = [
    "SELECT COUNT(*) FROM german_credit",
    "SELECT housing, creditability, COUNT(*) AS n FROM german_credit \
     WHERE age_in_years > 30 AND (purpose LIKE 'car%' OR NOT foreign_worker = 'yes') GROUP BY housing, creditability",
    "SELECT COUNT(*) FILTER (WHERE housing IN ('own', 'rent')) AS few FROM german_credit",
    "SELECT SUM(duration_in_month * 2 - 1) AS s, AVG(duration_in_month * duration_in_month) AS q FROM german_credit",
    "SELECT SUM(CASE WHEN housing = 'own' THEN duration_in_month WHEN age_in_years < 25 THEN 1.5 ELSE 0 END) AS s \
     FROM german_credit",
    "SELECT SUM(CASE WHEN housing = 'own' THEN duration_in_month END) AS s FROM german_credit",
    "SELECT AVG(credit_amount) FILTER (WHERE age_in_years BETWEEN 30 AND 40) AS a FROM german_credit",
    "SELECT VAR_POP(duration_in_month) AS a, VAR_SAMP(duration_in_month) AS b, \
     STDDEV_POP(duration_in_month) AS c, STDDEV(duration_in_month) AS d FROM german_credit",
    "SELECT COVAR_POP(credit_amount, duration_in_month) AS a, COVAR_SAMP(credit_amount, duration_in_month) AS b, \
     CORR(credit_amount, duration_in_month) AS c FROM german_credit",
    "SELECT REGR_SLOPE(credit_amount, duration_in_month) AS a, REGR_INTERCEPT(credit_amount, duration_in_month) AS b, \
     REGR_R2(credit_amount, duration_in_month) AS c FROM german_credit",
    "SELECT COUNT(DISTINCT purpose) AS p, COUNT(DISTINCT housing) FILTER (WHERE age_in_years > 60) AS h \
     FROM german_credit",
    "SELECT MIN(age_in_years) AS a, MAX(age_in_years) AS b, MEDIAN(age_in_years) AS c FROM german_credit",
    "SELECT APPROX_PERCENTILE_CONT(age_in_years, 0.9) AS p FROM german_credit",
    "SELECT CASE WHEN age_in_years < 30 THEN 'young' WHEN age_in_years < 60 THEN 'middle' ELSE 'old' END AS band, \
     COUNT(*) AS n FROM german_credit GROUP BY 1",
    "SELECT housing, SUM(duration_in_month) / COUNT(*) AS mean FROM german_credit \
     GROUP BY housing HAVING COUNT(*) > 10 ORDER BY mean DESC LIMIT 2",
    "SELECT COUNT(*) AS n FROM german_credit WHERE housing = 'own' AND housing = 'rent'",
];

#[test]
fn the_words_of_a_query_are_the_query() {
    let schema: Schema = tables::inferred(&tables::german_credit());
    let dataset = Digest::from_bytes([0; 32]);
    let bind =
        |sql: &str| sql::bind(dataset, &schema, sql).unwrap_or_else(|error| panic!("{sql}: {error}")).query;
    for question in QUESTIONS {
        let query = bind(question);
        let words = explain::query(&schema, &query);
        assert_eq!(bind(&words), query, "{question}\nread as: {words}");
    }
}
