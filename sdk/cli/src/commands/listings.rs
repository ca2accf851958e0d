//! `listings`.

use std::fmt::Write;

use anyhow::Result;
use clap::Args;
use sordino_protocol::{
    api::{Listing, ListingState},
    ids::ListingId,
    policy::Noise,
};

use crate::{context::Context, output};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Listings {
    /// Show one listing with its columns.
    listing: Option<ListingId>,
}

impl Listings {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let client = context.client().await?;
        if let Some(id) = self.listing {
            let listing = client.listing(id).await?;
            return if context.json() { output::json(&listing) } else { output::text(&one(&listing)) };
        }
        let listings = client.listings().await?;
        if context.json() {
            return output::json(&listings);
        }
        if listings.listings.is_empty() {
            output::note("Nothing is listed yet.");
        }
        for listing in &listings.listings {
            output::text(&format!(
                "{}  {:>10} rows  {:>3} columns  {} {} a query  {}{}",
                listing.id,
                listing.rows,
                listing.schema.columns.len(),
                listing.price.per_query,
                listing.price.currency,
                listing.title,
                if listing.state == ListingState::Withdrawn { "  (withdrawn)" } else { "" },
            ))?;
        }
        Ok(())
    }
}

fn one(listing: &Listing) -> String {
    let price = &listing.price;
    let mut text = format!(
        "{}\n{}\n  listing   {}\n  owner     {} (key {})\n  gate      {} (key {})\n  rows      {} in version {}\n  \
         price     {} a query, {} a value, {} a million units ({})\n",
        listing.title,
        listing.description,
        listing.id,
        listing.owner,
        listing.owner_key.fingerprint(),
        listing.gate,
        listing.gate_key.fingerprint(),
        listing.rows,
        listing.version,
        price.per_query,
        price.per_value,
        price.per_million_units,
        price.currency,
    );
    let noise = match &listing.policy.noise {
        Noise::None => "exact".to_owned(),
        Noise::DiscreteGaussian { epsilon_per_query, delta_exponent } => {
            format!("noised, epsilon {epsilon_per_query} and delta 1e-{delta_exponent} a query")
        }
    };
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "  policy    groups of at least {} rows, {noise}, at most {} values a query\n\nFROM {}",
        listing.policy.min_cohort, listing.policy.max_released_values, listing.schema.table
    );
    for column in &listing.schema.columns {
        let dimension = column.dimension.as_ref().map(|d| d.describe());
        let measure = column.measure.as_ref().map(|_| "can be summed".to_owned());
        let uses: Vec<String> = dimension.into_iter().chain(measure).collect();
        if !uses.is_empty() {
            let null = if column.nullable { ", nullable" } else { "" };
            let _ = writeln!(text, "  {:32} {}{null}", column.name, uses.join(", "));
        }
    }
    text
}
