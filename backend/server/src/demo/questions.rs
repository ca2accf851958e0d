//! The questions of the demonstration, and their answers from the plaintext.

use sordino_client::table::Table;
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    coded::CodedTable,
    digest::Digest,
    plaintext,
    query::Query,
    schema::Schema,
};

/// Asked through both layouts.
pub(super) const SQL: [&str; 3] = [
    "SELECT creditability, COUNT(*), AVG(credit_amount) FROM german_credit \
     WHERE age_in_years >= 30 AND housing = 'own' GROUP BY creditability",
    "SELECT COUNT(*) AS loans, SUM(credit_amount) AS total FROM german_credit \
     WHERE duration_in_month > 24 AND purpose IN ('car (new)', 'car (used)')",
    "SELECT housing, COUNT(*) AS loans, AVG(duration_in_month) AS months FROM german_credit \
     WHERE creditability = 'bad' OR foreign_worker = 'no' GROUP BY housing",
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

/// What the answer must be: computed on the plaintext, with groups below the cohort suppressed.
pub(super) fn expected(
    schema: &Schema,
    query: &Query,
    digest: Digest,
    rows: &CodedTable,
    min_cohort: u32,
) -> Answer {
    let groups = plaintext::evaluate(schema, query, rows)
        .into_iter()
        .map(|totals| AnswerGroup {
            key: totals.key,
            values: (totals.rows >= u64::from(min_cohort)).then_some(totals.values),
        })
        .collect();
    let noise = vec![0.0; query.released_terms(schema).len()];
    Answer::new(schema, query, digest, groups, noise, min_cohort)
}
