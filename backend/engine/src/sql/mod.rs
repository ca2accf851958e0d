//! SQL text to [`Query`]. `sqlparser` reads the text, `datafusion-sql` binds it to a logical plan
//! over the public schema, DataFusion's simplifier coerces and folds the condition, and what remains
//! is translated; what the encrypted engine cannot answer is refused by name.
//!
//! The text comes from strangers: its size and nesting are limited, and it is read on a thread of its
//! own, with a stack that the limits cannot exhaust, where a panic becomes an error.

mod aggregate;
mod bind;
mod constant;
mod context;
mod error;
mod fragment;
mod names;
mod parse;
mod predicate;
mod shape;
mod types;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::thread;

use sordino_protocol::{digest::Digest, query::Query, schema::Schema};

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
pub fn bind(dataset: Digest, schema: &Schema, sql: &str) -> Result<Query, SqlError> {
    if sql.len() > MAX_SQL_BYTES {
        return Err(SqlError::TooLong { bytes: sql.len(), limit: MAX_SQL_BYTES });
    }
    thread::scope(|scope| {
        thread::Builder::new()
            .name("sql".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || bind_here(dataset, schema, sql))
            .map_err(|_| SqlError::Failed)?
            .join()
            .map_err(|_| SqlError::Failed)?
    })
}

fn bind_here(dataset: Digest, schema: &Schema, sql: &str) -> Result<Query, SqlError> {
    let statement = parse::parse(sql)?;
    let shaped = shape::check(schema, statement)?;
    let context = context::Context::new(schema);
    if let Some(condition) = shaped.condition {
        types::check(schema, &context.condition(&shaped.relation, condition)?)?;
    }
    let plan = context.plan(shaped.query)?;
    let query = bind::query(dataset, schema, &shaped.names, &plan)?;
    query.validate(schema).map_err(|error| SqlError::Query { error })?;
    Ok(query)
}
