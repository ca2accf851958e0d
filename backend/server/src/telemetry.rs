//! Logs, on standard error, so that what a command prints stays clean.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::{LogFormat, Logging};

/// Starts logging; to be called once.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(logging: &Logging) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&logging.filter)
        .map_err(|error| anyhow::anyhow!("logging.filter `{}`: {error}", logging.filter))?;
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(true);
    let registry = tracing_subscriber::registry().with(filter);
    match logging.format {
        LogFormat::Text => registry.with(layer.compact()).try_init()?,
        LogFormat::Json => registry.with(layer.json()).try_init()?,
    }
    Ok(())
}
