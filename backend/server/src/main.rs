//! `sordino-server`: the only server binary.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use sordino_server::{Config, bench, demo, operator, serve, telemetry, worker};

/// The platform of Sordino, an encrypted data marketplace.
#[derive(Debug, Parser)]
#[command(name = "sordino-server", version, about)]
struct Arguments {
    /// Configuration file (TOML); without it, defaults and SORDINO__SECTION__FIELD variables apply.
    #[arg(long, global = true, env = "SORDINO_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the portal, and evaluate jobs unless told otherwise.
    Serve,
    /// Evaluate jobs only, beside one or more servers on the same database and objects.
    Worker,
    /// Bring the database up to date and stop.
    Migrate,
    /// Make a registered account an operator, who may top up balances.
    GrantOperator {
        /// The account's e-mail address.
        email: String,
    },
    /// Show the whole loop: publish, quote, pay, query, release, open.
    Demo(demo::Options),
    /// Measure this machine: speed of encryption and evaluation.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sordino-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(arguments.config.as_deref())?;
    if matches!(arguments.command, Command::Demo(_) | Command::Bench(_)) {
        // What these print is for people; a log line for every request would drown it.
        config.logging.filter = std::env::var("SORDINO_LOG").unwrap_or_else(|_| "warn".to_owned());
    }
    telemetry::start(&config.logging)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        match arguments.command {
            Command::Serve => serve::run(config).await.map(|()| ExitCode::SUCCESS),
            Command::Worker => worker::run(config).await.map(|()| ExitCode::SUCCESS),
            Command::Migrate => serve::migrate(&config).await.map(|()| ExitCode::SUCCESS),
            Command::GrantOperator { email } => {
                operator::grant(&config, &email).await.map(|()| ExitCode::SUCCESS)
            }
            Command::Demo(options) => demo::run(config, options).await,
            Command::Bench(options) => bench::run(&options).await.map(|()| ExitCode::SUCCESS),
        }
    })
}
