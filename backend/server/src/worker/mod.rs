//! The worker: takes jobs, evaluates them on ciphertext, and hands the results to the gates.
//!
//! A job is leased in one short transaction, computed with none open, and completed in another that is
//! guarded by the lease. A worker that dies loses its leases by doing nothing; another one then starts
//! the job again, and because programs are deterministic nothing else changes.

mod evaluate;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use chrono::TimeDelta;
use sordino_domain::jobs::{Lease, LeaseToken};
use sordino_engine::executor::Executor;
use sordino_protocol::signature::SigningKey;
use sordino_storage::{Storage, StorageError, jobs::ExpireBefore, jobs::LeasedJob};
use sordino_web::Clock;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Config, platform::Platform, serve};

/// Pause between looks for a job; two reads of an index.
const IDLE: Duration = Duration::from_millis(100);
/// Pause after the database failed.
const TROUBLE: Duration = Duration::from_secs(1);
/// Pause between looks for jobs that nobody finished.
const EXPIRY: Duration = Duration::from_secs(60);

/// Takes jobs and evaluates them.
pub struct Worker {
    shared: Arc<Shared>,
    concurrent: usize,
    expire_after: TimeDelta,
}

/// What all jobs of a worker share.
struct Shared {
    storage: Storage,
    platform: SigningKey,
    clock: Arc<dyn Clock>,
    executor: Executor,
    lease: TimeDelta,
    name: String,
}

/// Evaluates jobs until the process is asked to stop.
///
/// # Errors
/// When something cannot be opened.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let platform = Platform::open(&config).await?;
    let worker = Worker::new(&config, &platform, serve::worker_name("worker"))?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let working = tokio::spawn(worker.run(stopping));
    serve::interrupted().await?;
    tracing::info!("stopping");
    stop.cancel();
    Ok(working.await?)
}

impl Worker {
    /// A worker with the configured threads and leases.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(config: &Config, platform: &Platform, name: String) -> anyhow::Result<Self> {
        let executor = Executor::new(config.compute_threads()).context("starting the worker's threads")?;
        Ok(Self {
            shared: Arc::new(Shared {
                storage: platform.storage.clone(),
                platform: platform.secrets.platform.clone(),
                clock: Arc::clone(&platform.clock),
                executor,
                lease: TimeDelta::seconds(i64::from(config.worker.lease_seconds.max(1))),
                name,
            }),
            concurrent: config.worker.concurrent_jobs.max(1),
            expire_after: TimeDelta::hours(i64::from(config.worker.expire_hours.max(1))),
        })
    }

    /// Works until `stop`; running jobs are then handed back to the queue.
    pub async fn run(self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        let mut expire_at = Instant::now();
        while !stop.is_cancelled() {
            while running.try_join_next().is_some() {}
            if Instant::now() >= expire_at {
                self.expire().await;
                expire_at = Instant::now() + EXPIRY;
            }
            let pause = if running.len() >= self.concurrent {
                IDLE
            } else {
                match self.acquire().await {
                    Ok(Some((token, leased))) => {
                        running.spawn(evaluate::work(Arc::clone(&self.shared), token, leased, stop.clone()));
                        continue;
                    }
                    Ok(None) => IDLE,
                    Err(error) => {
                        tracing::warn!(%error, "no job could be taken");
                        TROUBLE
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn acquire(&self) -> Result<Option<(LeaseToken, LeasedJob)>, StorageError> {
        let now = self.shared.clock.now();
        let token = LeaseToken::new(Uuid::new_v4());
        let lease = Lease { token, worker: self.shared.name.clone(), until: now + self.shared.lease };
        let leased = self.shared.storage.jobs().acquire(&lease, now).await?;
        Ok(leased.map(|leased| (token, leased)))
    }

    /// Gives the price of jobs back that nobody finished.
    async fn expire(&self) {
        let now = self.shared.clock.now();
        let before = now - self.expire_after;
        let limits = ExpireBefore { queued: before, awaiting_release: before };
        match self.shared.storage.jobs().expire(limits, now).await {
            Ok(expired) => expired.iter().for_each(|job| tracing::info!(%job, "expired")),
            Err(error) => tracing::warn!(%error, "expired jobs could not be ended"),
        }
    }
}
