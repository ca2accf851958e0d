//! SQL text to a query and its presentation, [`Bound`]. `sqlparser` reads the text and `datafusion-sql`
//! binds it to a logical plan over the public schema. Conditions and grouping keys are computed by
//! DataFusion for all public values of the one or two dimensions that they are about; AND, OR, NOT,
//! CASE and arithmetic are translated. What the encrypted engine cannot answer is refused by name.
//!
//! The text comes from strangers: its size and nesting are limited, and it is read on a thread of its
//! own, with a stack that the limits cannot exhaust, where a panic becomes an error.

mod aggregate;
mod bind;
mod case;
mod classes;
mod constant;
mod context;
mod domain;
mod error;
mod fragment;
mod functions;
mod names;
mod number;
mod parse;
mod predicate;
mod presence;
mod present;
mod shape;
mod table;
mod types;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::thread;

use datafusion::sql::sqlparser::ast::Query;
use sordino_protocol::{digest::Digest, schema::Schema};

pub use bind::Bound;
pub use error::SqlError;

/// The longest text that is read, in bytes.
pub const MAX_SQL_BYTES: usize = 16 * 1_024;
/// The most words and operators; commas and constants are not counted, so that lists may be long.
pub const MAX_SQL_WORDS: usize = 1_000;
/// Enough for [`MAX_SQL_WORDS`] nested operators in every recursive step of parser and planner.
const STACK_BYTES: usize = 256 << 20;

/// Understands `sql` as a question about the dataset version with this manifest digest.
///
/// Numbers are compared as published: a bucketed column holds its value rounded down to its scale. A
/// constant in between is compared exactly (`age >= 29.5`); a comparison that would cut a bucket in
/// two is refused with the nearest edges that are exact.
///
/// # Errors
/// What cannot be understood or answered, with the fragment and what to write instead.
pub fn bind(dataset: Digest, schema: &Schema, sql: &str) -> Result<Bound, SqlError> {
    apart(sql, |parsed| {
        if parsed.explain {
            let hint = "ask for an explanation, which is free, or leave EXPLAIN out";
            return Err(SqlError::unsupported("EXPLAIN", "an explanation is not bought", hint));
        }
        bind_here(dataset, schema, parsed.query)
    })
}

/// As [`bind`], with or without EXPLAIN before the SELECT.
///
/// # Errors
/// As [`bind`].
pub fn bind_explained(dataset: Digest, schema: &Schema, sql: &str) -> Result<Bound, SqlError> {
    apart(sql, |parsed| bind_here(dataset, schema, parsed.query))
}

/// Reads a text and works on it on a thread of its own.
fn apart(
    sql: &str,
    work: impl FnOnce(parse::Parsed) -> Result<Bound, SqlError> + Send,
) -> Result<Bound, SqlError> {
    if sql.len() > MAX_SQL_BYTES {
        return Err(SqlError::TooLong { bytes: sql.len(), limit: MAX_SQL_BYTES });
    }
    thread::scope(|scope| {
        thread::Builder::new()
            .name("sql".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, move || parse::parse(sql).and_then(work))
            .map_err(|_| SqlError::Failed)?
            .join()
            .map_err(|_| SqlError::Failed)?
    })
}

fn bind_here(dataset: Digest, schema: &Schema, query: Query) -> Result<Bound, SqlError> {
    let shaped = shape::check(schema, query)?;
    let context = context::Context::new(schema);
    let scope = table::Scope::new(schema, context.columns(&shaped.relation)?);
    if let Some(condition) = shaped.condition {
        types::condition(&scope, &context.condition(&scope.columns, condition)?)?;
    }
    let plan = context.plan(shaped.query)?;
    bind::bind(dataset, &scope, &shaped.names, &plan)
}
