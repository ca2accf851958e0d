//! `quote`.

use std::fmt::Write;

use anyhow::Result;
use clap::{Args, ValueEnum};
use sordino_client::buyer::{self, CheckedOffer};
use sordino_protocol::{
    api::{AskQuote, Question},
    canonical::Canonical,
    ids::ListingId,
    layout::LayoutKind,
};

use super::explain;
use crate::{context::Context, output};

/// What can be asked, in a sentence.
pub(super) const SQL_HELP: &str = "The question: SELECT of aggregates (COUNT, SUM, AVG, MIN, MAX, MEDIAN, \
    STDDEV, CORR, ...) with WHERE, GROUP BY, HAVING, ORDER BY and LIMIT";

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Quote {
    /// What to ask of.
    listing: ListingId,
    #[arg(help = SQL_HELP)]
    sql: String,
    /// Use this layout instead of the planner's choice.
    #[arg(long, value_enum)]
    layout: Option<Layout>,
}

/// A layout by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Layout {
    /// Encrypted aggregates.
    Rollup,
    /// Encrypted bitmap index.
    Scan,
}

impl From<Layout> for LayoutKind {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Rollup => Self::Rollup,
            Layout::Scan => Self::Scan,
        }
    }
}

impl Quote {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let session = context.session().await?;
        if explain::is_asked_for(&self.sql) {
            let layout = self.layout.map(Into::into);
            let ask = AskQuote::new(self.listing, Question::Sql(self.sql), layout);
            return explain::show(context, &session.client.explanation(&ask).await?);
        }
        let offer = buyer::quote(&session, self.listing, &self.sql, self.layout.map(Into::into)).await?;
        if context.json() {
            return output::json(&serde_json::json!({
                "quote": offer.offer.quote,
                "query": offer.offer.query,
                "presentation": offer.offer.presentation,
                "considered": offer.offer.considered,
                "understood": offer.understood,
                "digest": offer.offer.quote.body.digest()?,
            }));
        }
        output::text(&describe(&offer))
    }
}

/// An offer for people.
pub(crate) fn describe(offer: &CheckedOffer) -> String {
    let quote = &offer.offer.quote.body;
    let mut text = format!(
        "Understood as: {}\n  price     {} {} (for {} released values)\n  work      {} compute units on {}, about {:.1} s\n",
        offer.understood,
        quote.price,
        quote.currency,
        quote.released_values,
        quote.units.get(),
        quote.parameter_set,
        quote.expected_ms as f64 / 1e3,
    );
    if quote.noise_millis.iter().any(|noise| *noise > 0) {
        let noise: Vec<String> =
            quote.noise_millis.iter().map(|m| format!("{:.1}", *m as f64 / 1e3)).collect();
        // Writing to a String does not fail.
        let _ =
            writeln!(text, "  noise     standard deviation {} (epsilon {})", noise.join(", "), quote.epsilon);
    } else {
        text.push_str("  noise     none: the answer is exact\n");
    }
    for considered in &offer.offer.considered {
        let name = match considered.layout {
            LayoutKind::Rollup => "rollup",
            LayoutKind::Scan => "scan",
        };
        let _ = writeln!(text, "  {name:8}  {}", considered.reason);
    }
    let _ = writeln!(text, "  valid     until {}", quote.expires_at.format("%Y-%m-%d %H:%M:%S UTC"));
    text
}
