//! `sordino-server demo`: the whole loop on a real table, over HTTP, with a real gate.
//!
//! It starts the marketplace in the data folder, lets an owner publish German Credit, lets a buyer
//! ask three questions through both layouts, and shows what each party saw.

mod parties;
mod questions;
mod report;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use anyhow::Context;
use clap::Args;
use sordino_client::{publish, table::Table};
use sordino_protocol::{layout::LayoutKind, money::Amount};

use crate::{Config, serve};
use parties::{Buyer, Owner};
use report::Report;

/// The table of the demonstration, with its attribution beside the copy in the repository.
pub(crate) const TABLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/german_credit.csv"));

/// How to show it.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Stop when the questions are answered, instead of leaving the portal open.
    #[arg(long)]
    pub once: bool,
    /// Print one JSON object instead of a story.
    #[arg(long)]
    pub json: bool,
}

/// Shows the loop; the exit code tells whether every answer was equal, every receipt valid and the
/// ledger balanced.
///
/// # Errors
/// When a step fails.
pub async fn run(mut config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let show = |line: &str| {
        if !options.json {
            println!("{line}");
        }
    };
    if port_is_taken(&config) {
        show(&format!("{} is in use; taking a free port.", config.server.listen));
        config.server.listen.set_port(0);
    }
    let folder = parties::fresh_folder(&config.server.data_dir)?;
    let running = serve::start(config).await.context("starting the marketplace")?;
    show(&format!(
        "The marketplace runs at {} and keeps everything in {}.",
        running.url(),
        running.data_dir().display()
    ));

    let table = folder.join("german_credit.csv");
    std::fs::write(&table, TABLE)?;
    let owner = Owner::join(&folder, running.url()).await.context("the owner")?;
    show("\nOWNER   infers a schema from german_credit.csv, encrypts the table here and lists it.");
    let opened = Table::open(&table)?;
    let inferred = sordino_client::infer::infer(&opened)?;
    let request = owner.request(table, inferred.schema.clone());
    let started = Instant::now();
    let plan = publish::plan(&request, &owner.keys).await?;
    report::plan(&plan, &show);
    let published =
        publish::publish(&owner.session, &owner.keys, &request, &plan, Arc::new(publish::Silent)).await?;
    let publish_s = started.elapsed().as_secs_f64();
    show(&format!(
        "        {} rows published in {publish_s:.1} s: {:.1} MB of ciphertext sent. Listing {}",
        published.listing.rows,
        published.uploaded_bytes as f64 / 1e6,
        published.listing.id
    ));
    let gate = owner.run_gate().await?;
    show("GATE    runs with the owner: it holds the keys and its own copy of the policy.");

    let buyer = Buyer::join(&folder, running.url()).await.context("the buyer")?;
    let operator = parties::operator(&folder, &running).await.context("the operator")?;
    parties::top_up(&operator, buyer.session.account, Amount::minor(10_000)).await?;
    show("OPERATOR credits the buyer with 100.00.");

    let rows = questions::coded(&inferred.schema, &opened)?;
    let mut report = Report::new(publish_s, published.uploaded_bytes);
    for sql in questions::SQL {
        for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
            let answered = buyer
                .ask(&published.listing, sql, layout, &rows)
                .await
                .with_context(|| format!("{layout:?}: {sql}"))?;
            report::answered(&answered, &show);
            report.queries.push(answered.summary);
        }
    }
    report.ledger_balanced = running.storage().ledger().audit().await?.is_clean();
    parties::show_ledger(&owner.session, &buyer.session, report.ledger_balanced, &show).await?;
    let good = report.is_good();
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report::verdict(&report);
    }
    if !options.once {
        report::stay_open(running.url(), &buyer);
        running.until_stopped().await?;
    } else {
        running.stop().await?;
    }
    gate.abort();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn port_is_taken(config: &Config) -> bool {
    let listen = config.server.listen;
    listen.port() != 0 && std::net::TcpListener::bind(listen).is_err()
}

/// Where a party keeps its things.
fn home(folder: &std::path::Path, party: &str) -> PathBuf {
    folder.join(party)
}
