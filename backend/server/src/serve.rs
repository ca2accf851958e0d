//! `sordino-server serve`: the HTTP interface, and the worker unless it runs elsewhere.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

use actix_web::{App, HttpServer, dev::ServerHandle, web};
use anyhow::Context;
use chrono::TimeDelta;
use sordino_domain::pricing::BasisPoints;
use sordino_engine::predictor::Predictor;
use sordino_storage::Storage;
use sordino_web::{AppState, Limits, Parts, WebSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Config, platform, platform::Platform, worker};

/// Seconds that requests have to end after a stop; long polls and event streams are cut then.
const SHUTDOWN_SECONDS: u64 = 5;

/// A marketplace that runs in this process.
pub struct Running {
    url: String,
    data_dir: PathBuf,
    storage: Storage,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    worker: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

/// Starts the marketplace and returns when it answers.
///
/// # Errors
/// When something cannot be opened or the address is taken.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let platform = Platform::open(&config).await?;
    let listen = config.server.listen;
    let listener = TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let storage = platform.storage.clone();
    let stop = CancellationToken::new();
    let worker = if config.worker.in_server {
        let worker = worker::Worker::new(&config, &platform, worker_name("serve"))?;
        Some(tokio::spawn(worker.run(stop.clone())))
    } else {
        None
    };
    let Platform { storage: web_storage, secrets, clock } = platform;
    let predictor = Predictor::new(config.compute_threads(), web_storage.object_store())?;
    let state = web::Data::new(AppState::new(Parts {
        storage: web_storage,
        predictor,
        platform: secrets.platform,
        session_secret: secrets.session,
        settings: settings(&config, &url)?,
        clock,
    })?);
    let mut server = HttpServer::new(move || App::new().configure(sordino_web::configure(state.clone())))
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_SECONDS);
    if config.server.threads > 0 {
        server = server.workers(config.server.threads);
    }
    let server = server.listen(listener)?.run();
    let handle = server.handle();
    let serving = tokio::spawn(server);
    tracing::info!(%url, data = %config.server.data_dir.display(), "serving");
    Ok(Running { url, data_dir: config.server.data_dir, storage, server: handle, serving, worker, stop })
}

/// Serves until the process is asked to stop.
///
/// # Errors
/// As [`start`], and when serving fails.
pub async fn run(config: Config) -> anyhow::Result<()> {
    start(config).await?.until_stopped().await
}

/// Brings the database up to date.
///
/// # Errors
/// When the database does not answer or a migration fails.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    platform::storage(config).await?.migrate().await.context("bringing the database up to date")?;
    println!("The database is up to date.");
    Ok(())
}

impl Running {
    /// Where it answers, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it keeps its things.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Everything that lasts.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Serves until the process is asked to stop, then ends cleanly.
    ///
    /// # Errors
    /// When serving fails.
    pub async fn until_stopped(self) -> anyhow::Result<()> {
        interrupted().await?;
        tracing::info!("stopping");
        self.stop().await
    }

    /// Ends cleanly: no new requests, the worker hands its jobs back.
    ///
    /// # Errors
    /// When serving failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.server.stop(true).await;
        if let Some(worker) = self.worker {
            worker.await?;
        }
        Ok(self.serving.await??)
    }
}

/// Waits for SIGINT or SIGTERM.
///
/// # Errors
/// When the signals cannot be watched.
pub async fn interrupted() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// A name for a worker of this process in the jobs it leases.
pub fn worker_name(role: &str) -> String {
    format!("{role}-{}", std::process::id())
}

fn settings(config: &Config, url: &str) -> anyhow::Result<WebSettings> {
    let threads = config.compute_threads() as u64;
    Ok(WebSettings {
        public_url: config.server.public_url.clone().unwrap_or_else(|| url.to_owned()),
        registration_open: config.server.open_registration,
        behind_proxy: config.server.behind_proxy,
        currency: config.money.currency,
        fee: BasisPoints::parse(u32::from(config.money.fee_basis_points))?,
        quote_ttl: TimeDelta::minutes(i64::from(config.money.quote_minutes)),
        session_ttl: TimeDelta::hours(i64::from(config.server.session_hours)),
        units_per_second: config.worker.units_per_second.saturating_mul(threads).max(1),
        limits: Limits {
            json_bytes: config.limits.json_bytes,
            manifest_bytes: config.limits.manifest_bytes,
            object_bytes: config.limits.object_bytes,
            sign_ins_per_minute: config.limits.sign_ins_per_minute,
            quotes_per_minute: config.limits.quotes_per_minute,
            model_bytes: config.limits.model_bytes,
            prediction_bytes: config.limits.prediction_bytes,
            predictions_per_minute: config.limits.predictions_per_minute,
        },
        ..WebSettings::default()
    })
}
