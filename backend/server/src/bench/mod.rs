//! `sordino-server bench`: measures this machine with the code that serves queries. Operators set
//! `worker.units_per_second` from it; the targets it prints beside each figure are the design's.

mod data;
mod naive;
mod publish;
mod rollup;
mod scan;

use clap::Args;
use serde::Serialize;

/// What to measure and how to print it.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Rows of the naive program written with tfhe's integer types (seconds each).
    #[arg(long, default_value_t = 4)]
    pub naive_rows: usize,
    /// Also evaluate a scan over this many rows, streamed from a folder, and print peak memory.
    #[arg(long)]
    pub scan_rows: Option<u64>,
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
pub fn run(options: &Options) -> anyhow::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut findings = Findings::default();
    let keys = data::keys();
    let say = |what: &str| eprintln!("measuring {what} ...");
    say("rollup queries");
    rollup::measure(&keys, &mut findings)?;
    say("encryption");
    publish::measure(&keys, &mut findings)?;
    say("scan queries");
    let per_row = scan::measure(&keys, threads, &mut findings)?;
    say("the same count written with tfhe's integer types");
    naive::measure(options.naive_rows, per_row, &mut findings)?;
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
