//! `publish`.

use std::{fmt::Write, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde_json::json;
use sordino_client::{
    ClientError,
    publish::{self, Plan, Request},
};
use sordino_protocol::{
    layout_plan::{Alternative, ColumnChoice},
    money::{Amount, Price},
    policy::Policy,
    schema::Schema,
};

use crate::{context::Context, exit, output, progress::PublishBars};

/// Arguments.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The table, CSV or Parquet. It does not leave this machine.
    file: PathBuf,
    /// Its public schema; `sordino schema infer` proposes one.
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// Title of the listing.
    #[arg(long)]
    title: String,
    /// What buyers should know.
    #[arg(long, default_value = "")]
    description: String,
    /// Price of each query, in the currency of the marketplace.
    #[arg(long, value_name = "AMOUNT", default_value = "0.50")]
    price_per_query: Amount,
    /// Price of each value that an answer discloses.
    #[arg(long, value_name = "AMOUNT", default_value = "0.00")]
    price_per_value: Amount,
    /// Price of each million compute units (about a second of a core each).
    #[arg(long, value_name = "AMOUNT", default_value = "0.00")]
    price_per_million_units: Amount,
    /// The policy that your gate enforces [default: groups of at least 10 rows, no noise].
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Which encrypted layouts to publish.
    #[arg(long, value_enum, default_value_t = Layouts::Both)]
    layout: Layouts,
    /// The most to upload, such as 64MB or 2GB: fewer bytes mean slower answers, and in the end columns
    /// that only aggregates answer [default: about 6 kB a row, at least 64 MB].
    #[arg(long, value_name = "BYTES", value_parser = output::parse_bytes)]
    max_upload: Option<u64>,
    /// Also let buyers try models whose scores are cut by a threshold: scorecards, forests, boosted trees.
    /// Every dimension is sent once more, 53 bytes a row and code, in chunks of 16,384 rows.
    #[arg(long)]
    models: bool,
    /// Synthetic rows for buyers to rehearse on, published in clear; `sordino sandbox` makes some.
    #[arg(long, value_name = "FILE")]
    sandbox: Option<PathBuf>,
    /// Name of your gate, for people.
    #[arg(long, default_value = "gate")]
    gate_name: String,
    /// Do not ask before starting.
    #[arg(long)]
    yes: bool,
}

/// Layouts to publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Layouts {
    /// Aggregates and bitmap index.
    Both,
    /// Encrypted aggregates: answers in milliseconds, for few dimensions at once.
    Rollup,
    /// Encrypted bitmap index: any combination of conditions.
    Scan,
}

impl Publish {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let session = context.session().await?;
        let keys = context.keys()?;
        let price = Price {
            currency: session.platform.currency,
            per_query: self.price_per_query,
            per_value: self.price_per_value,
            per_million_units: self.price_per_million_units,
        };
        let yes = self.yes;
        let request = self.request(price)?;
        output::note("Reading and checking the table ...");
        let plan = publish::plan(&request, &keys).await?;
        output::note(&describe(&request, &plan));
        if !yes && !output::confirm("Encrypt and publish?")? {
            output::note("Nothing was published.");
            return Ok(ExitCode::from(exit::FAILED));
        }
        let bars = Arc::new(PublishBars::default());
        let published = publish::publish(&session, &keys, &request, &plan, bars.clone()).await;
        bars.finish();
        let published = published?;
        let listing = &published.listing;
        if context.json() {
            output::json(&json!({
                "listing": listing.id,
                "dataset": listing.dataset,
                "rows": listing.rows,
                "bytes": published.bytes,
                "uploaded_bytes": published.uploaded_bytes,
                "encrypt_ms": published.encrypt_ms,
                "upload_ms": published.upload_ms,
                "gate": listing.gate,
            }))?;
        } else {
            output::text(&format!(
                "Published {} as {}\n  dataset version  {}\n  encrypted        {} in {:.1} s\n  uploaded         {} in {:.1} s",
                listing.title,
                listing.id,
                listing.dataset,
                output::bytes(published.bytes),
                published.encrypt_ms as f64 / 1e3,
                output::bytes(published.uploaded_bytes),
                published.upload_ms as f64 / 1e3,
            ))?;
            output::note("Next: `sordino gate run` releases answers by your policy; keep it running.");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn request(self, price: Price) -> Result<Request> {
        let schema: Schema = read(&self.schema)?;
        schema.validate().map_err(ClientError::from).with_context(|| self.schema.display().to_string())?;
        let policy = match &self.policy {
            Some(path) => read::<Policy>(path)?,
            None => Policy::default(),
        };
        Ok(Request {
            description: self.description,
            policy,
            rollup: self.layout != Layouts::Scan,
            scan: self.layout != Layouts::Rollup,
            models: self.models,
            sandbox: self.sandbox,
            gate_name: self.gate_name,
            max_upload: self.max_upload,
            ..Request::new(self.file, schema, self.title, price)
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &PathBuf) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

/// What will happen, before it does.
fn describe(request: &Request, plan: &Plan) -> String {
    let mut text = format!("\n{} rows. Encrypted on this machine:\n", plan.rows);
    // Writing to a String does not fail.
    for column in &plan.encrypted {
        let dimension = column.dimension.as_deref().map(|d| format!("filter and group: {d}"));
        let measure = column.measure.as_deref().map(|m| format!("sum and average: {m}"));
        let uses: Vec<String> = dimension.into_iter().chain(measure).collect();
        let _ = writeln!(text, "  {:32} {}", column.name, uses.join("; "));
        if plan.scan.is_some() {
            let _ = writeln!(text, "  {:32}   {}", "", written(&column.choice));
        }
    }
    if !plan.left_out.is_empty() {
        let _ = writeln!(text, "Neither encrypted nor sent: {}", plan.left_out.join(", "));
    }
    text.push_str("Public: the schema with all dictionaries, edges and bounds; the number of rows; ");
    let _ = writeln!(text, "title, price and policy\n  (min_cohort {}).", request.policy.min_cohort);
    if let Some(sandbox) = &plan.sandbox {
        let bytes = output::bytes(sandbox.len() as u64);
        let _ = writeln!(
            text,
            "Public, too, as they stand: the rows of the sandbox, {bytes}. They must be nobody's."
        );
    }
    let upload = &plan.upload;
    if plan.rollup.is_some() {
        let bytes = output::bytes(upload.rollup_bytes);
        let _ = writeln!(text, "Layout rollup: {} encrypted aggregates, {bytes}", upload.cells);
    }
    if plan.scan.is_some() {
        let _ = writeln!(
            text,
            "Layout scan: {} in {}, {}; evaluation keys {}",
            output::count(upload.slices, "slice"),
            output::count(upload.chunks, "chunk"),
            output::bytes(upload.scan_bytes),
            output::bytes(upload.evaluation_key_bytes)
        );
    }
    if plan.score.is_some() {
        let bytes = output::bytes(upload.score_bytes);
        let _ = writeln!(text, "For scores of models: {bytes} more");
    }
    let (total, limit) = (output::bytes(upload.total_bytes()), output::bytes(plan.max_upload));
    let _ = writeln!(
        text,
        "Upload: {total}, at most {limit} by --max-upload. Encryption takes about {:.0} s.",
        plan.encrypt_seconds.max(1.0)
    );
    if !plan.alternatives.is_empty() {
        let one = |other: &Alternative| format!("{}: {}", other.name, output::bytes(other.bytes));
        let all: Vec<String> = plan.alternatives.iter().map(one).collect();
        let _ = writeln!(text, "  ({})", all.join("; "));
    }
    text
}

/// How a column is written in the bitmap index.
fn written(choice: &ColumnChoice) -> String {
    let slices = format!("{}, {} bytes a row", output::count(choice.slices, "slice"), choice.row_bytes);
    if choice.codes == 0 || choice.bases.is_empty() {
        return format!("{}; {slices}", choice.why);
    }
    let bases: Vec<String> = choice.bases.iter().map(u32::to_string).collect();
    let products = |hundredths: u64| hundredths as f64 / 100.0;
    if choice.equality_products == 0 && choice.range_products == 0 {
        return format!("{} codes as {}, {slices} ({})", choice.codes, bases.join(" x "), choice.why);
    }
    format!(
        "{} codes as {}, {slices}; products of an equality {:.1}, of a range {:.1} ({})",
        choice.codes,
        bases.join(" x "),
        products(choice.equality_products),
        products(choice.range_products),
        choice.why
    )
}
