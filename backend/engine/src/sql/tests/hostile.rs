//! Texts from strangers: whatever they are, the answer is a query or an error, never a panic.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use crate::sql::{MAX_SQL_BYTES, SqlError, bind, samples};

fn read(sql: &str) -> Result<(), SqlError> {
    let bound = bind(samples::dataset(), &samples::schema(), sql);
    if let Err(error) = &bound {
        assert!(!error.to_string().is_empty());
        assert_ne!(error.fragment(), Some(""), "{sql}: {error}");
    }
    bound.map(drop)
}

/// No text may make the front end fail.
fn survives(sql: &str) -> Result<(), TestCaseError> {
    match read(sql) {
        Err(SqlError::Failed) => Err(TestCaseError::fail(format!("failed on {sql}"))),
        _ => Ok(()),
    }
}

const WORDS: [&str; 96] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "german_credit",
    "COUNT(*)",
    "COUNT",
    "SUM",
    "AVG",
    "(",
    ")",
    "(",
    ")",
    ",",
    "*",
    "housing",
    "age_in_years",
    "rate",
    "opened",
    "foreign_worker",
    "telephone",
    "'own'",
    "30",
    "29.5",
    "-1",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "IS",
    "NULL",
    "TRUE",
    "AS",
    "x",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "CAST",
    "DATE",
    "INTERVAL",
    "'1 day'",
    "'2020-01-01'",
    "LIKE",
    "EXISTS",
    "UNION",
    "ORDER BY",
    "LIMIT",
    "OVER",
    "FILTER",
    "::",
    "INT",
    "+",
    "/",
    "||",
    "1e400",
    "\"Job Title\"",
    "HAVING",
    "DISTINCT",
    "MEDIAN",
    "STDDEV",
    "CORR(credit_amount, rate)",
    "MIN(age_in_years)",
    "credit_amount",
    "limit_used",
    "ELSE",
    "COALESCE",
    "NULLIF",
    "WIDTH_BUCKET",
    "DATE_TRUNC",
    "'month'",
    "EXTRACT(YEAR FROM opened)",
    "SUM(rate * limit_used)",
    "WITHIN GROUP",
    "DESC",
    "NULLS FIRST",
    "OFFSET",
    "ILIKE",
    "ESCAPE",
    "ARRAY",
    "[",
    "]",
    "lower",
    "EXPLAIN",
    "1",
    "99999999999999999999",
    "0.000000000001",
    "USING",
    "%",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(sql in any::<String>()) {
        survives(&sql)?;
    }

    #[test]
    fn any_condition(words in vec(select(&WORDS[..]), 0..24)) {
        survives(&format!("SELECT COUNT(*) FROM german_credit WHERE {}", words.join(" ")))?;
    }

    #[test]
    fn any_words(words in vec(select(&WORDS[..]), 0..30)) {
        survives(&words.join(" "))?;
    }

    #[test]
    fn a_question_with_a_few_characters_changed(edits in vec((any::<Index>(), any::<char>()), 1..4)) {
        let sql = "SELECT housing, COUNT(*), AVG(rate) a FROM german_credit \
                   WHERE age_in_years BETWEEN 20 AND 29.5 AND NOT telephone IN ('none') GROUP BY housing";
        let mut characters: Vec<char> = sql.chars().collect();
        for (index, character) in edits {
            let at = index.index(characters.len());
            characters[at] = character;
        }
        survives(&characters.into_iter().collect::<String>())?;
    }
}

#[test]
fn long_and_deep_texts_are_refused_or_answered() {
    let select = "SELECT COUNT(*) FROM german_credit WHERE ";
    let fits = |text: &str| text.len() <= MAX_SQL_BYTES;
    let chains = [
        format!("{select}{}", vec!["age_in_years = 20"; 240].join(" AND ")),
        format!("{select}{}", vec!["age_in_years <> 20"; 240].join(" OR ")),
        format!("{select}age_in_years = {}", vec!["1"; 900].join("+")),
        format!("{select}age_in_years IN ({})", vec!["19"; 4_000].join(",")),
    ];
    for sql in chains {
        assert!(fits(&sql));
        if let Err(error) = read(&sql) {
            panic!("{}...: {error}", &sql[..80]);
        }
    }
    let refused = [
        format!("{select}{}", vec!["age_in_years = 20"; 600].join(" AND ")),
        format!("{select}age_in_years = {}", vec!["1"; 7_000].join("+")),
        format!("{select}{}true{}", "(".repeat(400), ")".repeat(400)),
        format!("{select}{}true", "NOT ".repeat(900)),
        format!("{select}age_in_years = {}1", "- ".repeat(900)),
        format!("{select}{}", "(".repeat(8_000)),
        format!("{select}age_in_years = 1{}", "::int".repeat(2_000)),
    ];
    for sql in refused {
        assert!(fits(&sql));
        let error = read(&sql).expect_err("too complex");
        let named = matches!(error, SqlError::TooComplex { .. } | SqlError::Syntax { .. });
        assert!(named, "{}...: {error}", &sql[..80]);
    }
    assert!(matches!(read(&" ".repeat(MAX_SQL_BYTES + 1)), Err(SqlError::TooLong { .. })));
}

#[test]
fn alternating_nesting_is_bounded() {
    let mut condition = "age_in_years = 20".to_owned();
    for level in 0..20 {
        let (column, op) =
            if level % 2 == 0 { ("housing = 'own'", "OR") } else { ("creditability = 'bad'", "AND") };
        condition = format!("({condition} {op} {column})");
    }
    assert_ne!(read(&format!("SELECT COUNT(*) FROM german_credit WHERE {condition}")), Err(SqlError::Failed));
}
