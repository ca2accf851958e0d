//! `sordino-server bench`: measures this machine with the code that serves queries. Operators set
//! `worker.units_per_second` from it; the targets it prints beside each figure are the design's.

mod data;
mod models;
mod naive;
mod publish;
mod rollup;
mod scan;
mod tpch;
mod upload;

use clap::{Args, Subcommand};
use serde::Serialize;

/// What to measure and how to print it.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Print one JSON object instead of a table.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to measure; without it, everything but TPC-H.
    #[command(subcommand)]
    case: Option<Case>,
    /// Rows of the naive program written with tfhe's integer types (seconds each).
    #[arg(long, default_value_t = 4)]
    naive_rows: usize,
    /// Also evaluate a scan over this many rows, streamed from a folder, and print peak memory.
    #[arg(long, global = true)]
    scan_rows: Option<u64>,
}

/// One part of the benchmark.
#[derive(Debug, Clone, Subcommand)]
enum Case {
    /// Rollup queries over cuboids made of a thousand and a million rows.
    Rollup,
    /// A product, and a sum under three predicates, with one and with all threads.
    Scan,
    /// Encryption, and the upload of two known tables.
    Publish,
    /// A count written with tfhe's integer types, and the same as a scan.
    Naive,
    /// Auditions, encrypted predictions and training; a line for each, goals beside.
    Models {
        /// Only cases whose name has this in it.
        #[arg(long, default_value = "")]
        only: String,
    },
    /// TPC-H's queries 1, 6, 12 and 14, compared with DataFusion on the plaintext.
    Tpch(tpch::Options),
}

/// All figures.
#[derive(Debug, Serialize)]
struct Report {
    threads: usize,
    figures: Vec<Figure>,
    exact: bool,
    peak_rss_mib: Option<u64>,
}

/// One figure.
#[derive(Debug, Serialize)]
struct Figure {
    case: &'static str,
    what: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
}

/// What the design asks for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    AtMost(f64),
    AtLeast(f64),
}

/// Collects figures and whether every answer was right.
#[derive(Debug, Default)]
struct Findings {
    figures: Vec<Figure>,
    wrong: bool,
}

impl Findings {
    fn add(
        &mut self,
        case: &'static str,
        what: String,
        value: f64,
        unit: &'static str,
        target: Option<Target>,
    ) {
        self.figures.push(Figure { case, what, value, unit, target });
    }

    fn check(&mut self, exact: bool) {
        self.wrong |= !exact;
    }
}

/// Measures and prints.
///
/// # Errors
/// When an evaluation fails or an answer is wrong.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    if let Some(Case::Tpch(tpch)) = &options.case {
        return tpch::run(tpch, options.json).await;
    }
    if let Some(Case::Models { only }) = &options.case {
        return models::run(options.json, only);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut findings = Findings::default();
    let keys = data::keys();
    let wanted = |case: fn(&Case) -> bool| options.case.as_ref().is_none_or(case);
    let say = |what: &str| eprintln!("measuring {what} ...");
    if wanted(|case| matches!(case, Case::Rollup)) {
        say("rollup queries");
        rollup::measure(&keys, &mut findings)?;
    }
    if wanted(|case| matches!(case, Case::Publish)) {
        say("encryption");
        publish::measure(&keys, &mut findings)?;
        upload::measure(&mut findings)?;
    }
    if wanted(|case| matches!(case, Case::Scan | Case::Naive)) {
        say("scan queries");
        let per_row = scan::measure(&keys, threads, &mut findings)?;
        if wanted(|case| matches!(case, Case::Naive)) {
            say("the same count written with tfhe's integer types");
            naive::measure(options.naive_rows, per_row, &mut findings)?;
        }
    }
    if let Some(rows) = options.scan_rows {
        say("a large scan");
        scan::measure_large(&keys, threads, rows, &mut findings)?;
    }
    let report = Report {
        threads,
        exact: !findings.wrong,
        figures: findings.figures,
        peak_rss_mib: data::peak_rss_mib(),
    };
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    anyhow::ensure!(report.exact, "an answer differs from the plaintext evaluator's");
    Ok(())
}

fn print(report: &Report) {
    println!("{} threads; every answer exact: {}", report.threads, report.exact);
    println!("{:<26} {:>14} {:<16} {:<18} what", "case", "value", "unit", "target");
    for figure in &report.figures {
        let target = match figure.target {
            None => String::new(),
            Some(Target::AtMost(limit)) => format!("at most {limit}"),
            Some(Target::AtLeast(limit)) => format!("at least {limit}"),
        };
        let Figure { case, value, unit, what, .. } = figure;
        println!("{case:<26} {value:>14.3} {unit:<16} {target:<18} {what}");
    }
    if let Some(mib) = report.peak_rss_mib {
        println!("peak memory {mib} MiB");
    }
}
