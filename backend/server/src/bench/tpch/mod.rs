//! `sordino-server bench tpch`: TPC-H's queries 1, 6, 12 and 14 over encrypted rows, with the front end,
//! planner and executor that serve buyers. Every answer is compared with DataFusion's on the plaintext.

mod compare;
mod dataset;
mod naive;
mod queries;
mod rows;
mod table;

use std::{collections::BTreeSet, sync::Arc};

use clap::Args;
use serde::Serialize;
use sordino_engine::{
    clear,
    executor::{Executor, JobProgress},
    planner, sql,
};
use sordino_fhe::{
    keys::SecretKeys,
    outputs::{self, Outputs},
};
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    canonical::Canonical,
    cost::OperationCounts,
    layout::LayoutKind,
    layout_plan::Publication,
    presentation, release_values,
};

use self::{
    dataset::Dataset,
    queries::{QUERIES, TpchQuery},
};
use super::data;

pub(super) use dataset::MAX_ROW_BYTES;

/// The table and the queries.
#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// Rows of lineitem; at most 6,001,215.
    #[arg(long, default_value_t = 32_768)]
    rows: usize,
    /// Only these queries (q1, q6, q12, q14); only their columns are encrypted.
    #[arg(long = "query", value_delimiter = ',')]
    queries: Vec<String>,
    /// Evaluate with so many threads; without it, with one and with all.
    #[arg(long)]
    threads: Option<usize>,
    /// Also ask the same of so many rows in a program written with tfhe's integer types, for comparison.
    #[arg(long, default_value_t = 0)]
    naive_rows: usize,
    /// Times that every query is evaluated; the fastest counts.
    #[arg(long, default_value_t = 2)]
    repeat: usize,
}

/// What was measured of one query.
#[derive(Debug, Serialize)]
struct Measured {
    case: &'static str,
    rows: u64,
    threads: usize,
    layout: LayoutKind,
    parameter_set: String,
    evaluate_s: f64,
    target_s: Option<f64>,
    rows_per_s: f64,
    operations: OperationCounts,
    compute_units: u64,
    peak_rss_mib: Option<u64>,
    exact: bool,
}

/// Everything that is printed.
#[derive(Debug, Serialize)]
struct Report {
    queries: Vec<Measured>,
    naive: Vec<naive::Compared>,
    encrypt_s: f64,
    ciphertext_bytes_per_row: f64,
    plain_parquet_bytes_per_row: f64,
    evaluation_key_bytes: u64,
    exact: bool,
}

/// What would be published of so many rows, all columns of the queries.
pub(super) fn published(rows: u64) -> anyhow::Result<Publication> {
    dataset::plan(&table::schema(&columns(&QUERIES)), rows)
}

/// Bytes of a plain Parquet file of so many rows.
pub(super) fn plain_bytes(rows: usize) -> anyhow::Result<usize> {
    data::parquet_bytes(&table::plain(&columns(&QUERIES), &rows::generate(rows))?)
}

fn columns(queries: &[TpchQuery]) -> BTreeSet<&'static str> {
    queries.iter().flat_map(|query| query.columns).copied().collect()
}

/// Encrypts, asks and compares.
///
/// # Errors
/// When something fails, or an answer differs.
pub(super) async fn run(options: &Options, json: bool) -> anyhow::Result<()> {
    let queries = chosen(&options.queries)?;
    let wanted = columns(&queries);
    let keys = data::keys();
    eprintln!("generating {} rows ...", options.rows);
    let lines = rows::generate(options.rows);
    let plain = table::plain(&wanted, &lines)?;
    let parquet = data::parquet_bytes(&plain)?;
    let folder = tempfile::tempdir()?;
    eprintln!("encrypting {} columns ...", wanted.len());
    let (encrypt_s, dataset) = data::fastest(1, || Dataset::encrypt(&keys, &wanted, &lines, folder.path()))?;
    let few: Vec<_> = lines.iter().take(options.naive_rows).cloned().collect();
    drop(lines);
    let mut measured = Vec::new();
    for query in &queries {
        let expected = clear::rows("lineitem", vec![plain.clone()], query.sql).await?;
        for threads in threads(options.threads) {
            eprintln!("evaluating {} with {threads} threads ...", query.name);
            let asked = Asked { dataset: &dataset, keys: &keys, query, threads, repeat: options.repeat };
            measured.push(asked.measure(&expected).await?);
        }
    }
    let mut compared = Vec::new();
    for query in queries.iter().filter(|_| !few.is_empty()) {
        eprintln!("evaluating {} on {} rows with tfhe's integer types ...", query.name, few.len());
        let ours = measured.iter().filter(|one| one.case == query.name);
        let seconds = ours.map(|one| one.evaluate_s / one.rows as f64).fold(f64::INFINITY, f64::min);
        compared.push(naive::compare(query, &few, seconds));
    }
    let rows = options.rows.max(1) as f64;
    let report = Report {
        exact: measured.iter().all(|query| query.exact) && compared.iter().all(|query| query.exact),
        queries: measured,
        naive: compared,
        encrypt_s,
        ciphertext_bytes_per_row: dataset.bytes as f64 / rows,
        plain_parquet_bytes_per_row: parquet as f64 / rows,
        evaluation_key_bytes: dataset.manifest.objects.last().map_or(0, |keys| keys.bytes),
    };
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    anyhow::ensure!(report.exact, "an answer differs from DataFusion's on the plaintext");
    Ok(())
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<TpchQuery>> {
    if names.is_empty() {
        return Ok(QUERIES.to_vec());
    }
    let known = || QUERIES.map(|query| query.name).join(", ");
    names
        .iter()
        .map(|name| {
            let found = QUERIES.iter().find(|query| query.name.eq_ignore_ascii_case(name));
            found.copied().ok_or_else(|| anyhow::anyhow!("there is no query `{name}`; there are {}", known()))
        })
        .collect()
}

fn threads(asked: Option<usize>) -> Vec<usize> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    match asked {
        Some(threads) => vec![threads.max(1)],
        None if all > 1 => vec![1, all],
        None => vec![1],
    }
}

struct Asked<'a> {
    dataset: &'a Dataset,
    keys: &'a SecretKeys,
    query: &'a TpchQuery,
    threads: usize,
    repeat: usize,
}

impl Asked<'_> {
    async fn measure(&self, expected: &[Vec<Option<String>>]) -> anyhow::Result<Measured> {
        let manifest = &self.dataset.manifest;
        let bound = sql::bind(manifest.digest()?, &manifest.schema, self.query.sql)?;
        let plan = planner::plan(manifest, &bound.query, None)?;
        let program = Arc::new(plan.program);
        let executor = Executor::new(self.threads)?;
        let mut seconds = f64::INFINITY;
        let mut outputs = Vec::new();
        // The first run reads the evaluation keys, which a platform keeps.
        for _ in 0..=self.repeat.max(1) {
            let evaluation = executor
                .evaluate(
                    Arc::clone(&self.dataset.objects),
                    Arc::clone(manifest),
                    Arc::clone(&program),
                    Arc::new(JobProgress::default()),
                )
                .await?;
            seconds = seconds.min(evaluation.elapsed.as_secs_f64());
            outputs = evaluation.outputs;
        }
        let decrypted = outputs::decrypt(self.keys, &program, &Outputs::from_bytes(&outputs, &program)?)?;
        let totals = release_values::combine(&manifest.schema, &bound.query, &program, &decrypted)?;
        let needs = bound.query.requirements(&manifest.schema);
        let noise = vec![0.0; needs.quantities.len()];
        let groups = totals
            .into_iter()
            .map(|group| {
                let values = release_values::release(&manifest.schema, &needs, &group, &noise, 1);
                AnswerGroup { key: group.key, values: (group.rows > 0).then_some(values) }
            })
            .collect();
        let digest = bound.query.digest()?;
        let answer = Answer::new(&manifest.schema, &bound.query, digest, groups, noise, 1);
        let shown = presentation::apply(&bound.presentation, &answer)?;
        let set = program.parameter_set();
        let two_cores = self.threads == 2 && manifest.rows == 32_768;
        Ok(Measured {
            case: self.query.name,
            rows: manifest.rows,
            threads: self.threads,
            layout: program.layout(),
            parameter_set: set.to_string(),
            evaluate_s: seconds,
            target_s: two_cores.then_some(self.query.at_most_s),
            rows_per_s: manifest.rows as f64 / seconds,
            operations: plan.counts,
            compute_units: plan.units.get(),
            peak_rss_mib: data::peak_rss_mib(),
            exact: compare::equal(&shown.columns, &shown.rows, expected),
        })
    }
}

fn print(report: &Report) {
    println!(
        "{:<5} {:>9} {:>7} {:<7} {:<12} {:>11} {:>9} {:>7} {:>7} {:>6} {:>9}",
        "query",
        "rows",
        "threads",
        "layout",
        "set",
        "evaluate_s",
        "at_most_s",
        "loads",
        "mults",
        "exact",
        "peak_mib"
    );
    for query in &report.queries {
        println!(
            "{:<5} {:>9} {:>7} {:<7} {:<12} {:>11.3} {:>9} {:>7} {:>7} {:>6} {:>9}",
            query.case,
            query.rows,
            query.threads,
            planner::name(query.layout),
            query.parameter_set,
            query.evaluate_s,
            query.target_s.map_or_else(String::new, |target| target.to_string()),
            query.operations.loads,
            query.operations.multiplications,
            query.exact,
            query.peak_rss_mib.unwrap_or(0),
        );
    }
    for query in &report.naive {
        println!(
            "{:<5} with tfhe's integer types, {} rows: {:.2} s a row, {:.0} times as long a row; exact {}",
            query.case, query.rows, query.seconds_per_row, query.times_as_long, query.exact
        );
    }
    println!(
        "encrypted in {:.1} s: {:.0} bytes of ciphertext a row, {:.1} as plain Parquet; evaluation keys {} bytes",
        report.encrypt_s,
        report.ciphertext_bytes_per_row,
        report.plain_parquet_bytes_per_row,
        report.evaluation_key_bytes
    );
}
