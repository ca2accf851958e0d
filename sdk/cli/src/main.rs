//! `sordino`: the command line for owners, gates and buyers.
//!
//! Results go to standard output; progress, questions and errors to standard error. Secrets are asked
//! for, or read from files or the environment, and never taken as arguments.

mod arguments;
mod commands;
mod context;
mod exit;
mod output;
mod progress;
mod secrets;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log(arguments.global.verbose);
    let json = arguments.global.json;
    match commands::run(arguments).await {
        Ok(code) => code,
        Err(error) => exit::report(&error, json),
    }
}

/// Logs go to standard error, warnings by default.
fn log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info,sordino_client=debug",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| level.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}
