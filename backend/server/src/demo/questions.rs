//! The questions of the demonstration, and their answers from the plaintext.

use sordino_client::table::Table;
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    coded::CodedTable,
    digest::Digest,
    plaintext,
    query::Query,
    release_values,
    schema::Schema,
};

/// Asked through both layouts.
pub(super) const SQL: [&str; 3] = [
    "SELECT creditability, COUNT(*), AVG(credit_amount) FROM german_credit \
     WHERE age_in_years >= 30 AND housing = 'own' GROUP BY creditability",
    "SELECT COUNT(*) AS loans, SUM(credit_amount) AS total FROM german_credit \
     WHERE duration_in_month > 24 AND purpose IN ('car (new)', 'car (used)')",
    "SELECT housing, COUNT(*) AS loans, STDDEV(duration_in_month) AS spread, \
     100.0 * COUNT(*) FILTER (WHERE creditability = 'bad') / COUNT(*) AS bad_percent \
     FROM german_credit WHERE foreign_worker = 'yes' GROUP BY housing \
     HAVING COUNT(*) > 150 ORDER BY bad_percent DESC",
];

/// The plaintext rows, which only the owner has.
///
/// # Errors
/// When a row does not fit the schema.
pub(super) fn coded(schema: &Schema, table: &Table) -> anyhow::Result<CodedTable> {
    let mapping = table.map(schema)?;
    let mut rows = CodedTable::new(schema);
    table.visit(|row, cells| -> anyhow::Result<()> {
        let mut selected = Vec::with_capacity(schema.columns.len());
        mapping.select(cells, &mut selected);
        Ok(rows.push(schema, row, &selected)?)
    })?;
    Ok(rows)
}

/// What the answer must be, as the buyer reads it: computed on the plaintext, with what is of too few
/// rows withheld.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn expected(
    schema: &Schema,
    query: &Query,
    digest: Digest,
    rows: &CodedTable,
    min_cohort: u32,
) -> anyhow::Result<Answer> {
    let needs = query.requirements(schema);
    let noise = vec![0.0; needs.quantities.len()];
    let groups = plaintext::evaluate(schema, query, rows)
        .into_iter()
        .map(|totals| {
            let shown = totals.rows >= u64::from(min_cohort);
            let release = || release_values::release(schema, &needs, &totals, &noise, min_cohort);
            let values = shown.then(release);
            AnswerGroup { key: totals.key, values }
        })
        .collect();
    let answer = Answer::new(schema, query, digest, groups, noise, min_cohort);
    // The last bit of a floating-point number may change when it is written and read.
    Ok(serde_json::from_slice(&serde_json::to_vec(&answer)?)?)
}
