//! `explain`: how a question is understood and would be answered, free of charge.

use anyhow::Result;
use clap::Args;
use sordino_protocol::{
    api::{AskQuote, Explanation, Question},
    ids::ListingId,
};

use super::quote::{Layout, SQL_HELP};
use crate::{context::Context, output};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// What it would be asked of.
    listing: ListingId,
    #[arg(help = SQL_HELP)]
    sql: String,
    /// Use this layout instead of the planner's choice.
    #[arg(long, value_enum)]
    layout: Option<Layout>,
}

impl Explain {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let session = context.session().await?;
        let layout = self.layout.map(Into::into);
        let ask = AskQuote::new(self.listing, Question::Sql(self.sql), layout);
        show(context, &session.client.explanation(&ask).await?)
    }
}

/// Prints an explanation.
pub(crate) fn show(context: &Context, explanation: &Explanation) -> Result<()> {
    if context.json() {
        return output::json(explanation);
    }
    let printable = |line: &String| line.chars().filter(|c| !c.is_control()).collect::<String>();
    let lines: Vec<String> = explanation.text.iter().map(printable).collect();
    output::text(&lines.join("\n"))
}

/// Whether a text asks to be explained rather than answered.
pub(crate) fn is_asked_for(sql: &str) -> bool {
    sql.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("explain"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_begins_with_explain_is_explained() {
        assert!(is_asked_for("  EXPLAIN SELECT 1") && is_asked_for("explain\nselect 1"));
        assert!(!is_asked_for("SELECT explain FROM t") && !is_asked_for(""));
    }
}
