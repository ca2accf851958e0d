//! Text to syntax tree, within limits. The parser is `sqlparser`; nothing is parsed by hand here.

use datafusion::sql::sqlparser::{
    ast::{Query, Statement},
    dialect::PostgreSqlDialect,
    parser::{Parser, ParserError},
    tokenizer::{Token, Tokenizer},
};

use super::{
    MAX_SQL_WORDS,
    error::{SqlError, shorten},
};

/// A text that has been read.
pub(super) struct Parsed {
    /// Its SELECT.
    pub(super) query: Query,
    /// Whether EXPLAIN stands before it.
    pub(super) explain: bool,
}

/// The one SELECT statement of the text, explained or not.
pub(super) fn parse(sql: &str) -> Result<Parsed, SqlError> {
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| SqlError::Syntax { message: shorten(&error.to_string()) })?;
    // Chains of operators nest without parentheses (`1 + 1 + 1 ...`), where the parser's own limit of
    // recursion does not see them.
    let words = tokens.iter().filter(|token| counts(&token.token)).count();
    if words > MAX_SQL_WORDS {
        let reason = format!("{words} words and operators, at most {MAX_SQL_WORDS} are read");
        return Err(SqlError::TooComplex { reason });
    }
    let mut statements =
        Parser::new(&dialect).with_tokens_with_locations(tokens).parse_statements().map_err(refusal)?;
    if statements.len() > 1 {
        let reason = "several statements at once are not answered";
        return Err(SqlError::unsupported(&statements[1], reason, "ask one question at a time"));
    }
    match statements.pop() {
        None => Err(SqlError::Syntax { message: "there is no statement; write SELECT ...".to_owned() }),
        Some(Statement::Query(query)) => Ok(Parsed { query: *query, explain: false }),
        Some(Statement::Explain { statement, analyze: false, .. }) => match *statement {
            Statement::Query(query) => Ok(Parsed { query: *query, explain: true }),
            other => {
                Err(SqlError::unsupported(other, "only a SELECT is explained", "write EXPLAIN SELECT ..."))
            }
        },
        Some(other @ Statement::Explain { .. }) => {
            let hint = "write EXPLAIN SELECT ...: costs are known without running it";
            Err(SqlError::unsupported(other, "an explanation runs nothing", hint))
        }
        Some(other) => {
            Err(SqlError::unsupported(other, "only SELECT is answered; a listing cannot be changed", ""))
        }
    }
}

fn counts(token: &Token) -> bool {
    !matches!(
        token,
        Token::EOF
            | Token::Whitespace(_)
            | Token::Comma
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::SemiColon
    )
}

fn refusal(error: ParserError) -> SqlError {
    match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            SqlError::Syntax { message: shorten(&message) }
        }
        ParserError::RecursionLimitExceeded => SqlError::TooComplex { reason: "nested too deep".to_owned() },
    }
}
