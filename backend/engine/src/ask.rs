//! What a buyer asks, in SQL or as a query: understood, of the right dataset version, and not too large.

use sordino_protocol::{
    api::Question,
    digest::Digest,
    presentation::Presentation,
    query::{Query, QueryError},
    schema::Schema,
};

use crate::sql::{self, Bound, SqlError};

/// Why a question is not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The SQL is not understood.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The query does not belong to the schema, or is too large.
    #[error("query: {0}")]
    Query(#[from] QueryError),
    /// The query is of another version.
    #[error("the query is of dataset {asked}, the listing's current version is {current}: make it again")]
    Version {
        /// Of the query.
        asked: Digest,
        /// Of the listing.
        current: Digest,
    },
}

/// Understands a question about the dataset version with this manifest digest.
///
/// # Errors
/// What cannot be understood or answered, and what to ask instead.
pub fn understand(dataset: Digest, schema: &Schema, question: Question) -> Result<Bound, AskError> {
    match question {
        Question::Sql(sql) => sized(schema, sql::bind(dataset, schema, &sql)?),
        Question::Query(query) => as_it_is(dataset, schema, *query),
    }
}

/// As [`understand`], with or without EXPLAIN before a SELECT.
///
/// # Errors
/// As [`understand`].
pub fn understand_explained(dataset: Digest, schema: &Schema, question: Question) -> Result<Bound, AskError> {
    match question {
        Question::Sql(sql) => sized(schema, sql::bind_explained(dataset, schema, &sql)?),
        Question::Query(query) => as_it_is(dataset, schema, *query),
    }
}

/// A short text may stand for conditions of many codes. Gates refuse what is too large to be compiled.
fn sized(schema: &Schema, bound: Bound) -> Result<Bound, AskError> {
    bound.query.check_size(schema)?;
    Ok(bound)
}

/// Checks a query as the binder's own is right by construction: size first, for that is cheap.
fn as_it_is(dataset: Digest, schema: &Schema, query: Query) -> Result<Bound, AskError> {
    if query.dataset != dataset {
        return Err(AskError::Version { asked: query.dataset, current: dataset });
    }
    query.check_labels()?;
    query.check_size(schema)?;
    query.validate(schema)?;
    let presentation = Presentation::plain(query.outputs.iter().map(|output| output.name.clone()));
    Ok(Bound { query, presentation })
}
