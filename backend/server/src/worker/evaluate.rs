//! One job: compile, evaluate, store the outputs, sign the receipt, complete.

use std::{future::Future, sync::Arc, time::Duration};

use sordino_domain::jobs::{LeaseToken, Retry};
use sordino_engine::executor::{EngineError, Evaluation, JobProgress};
use sordino_protocol::{
    api::JobProblem,
    canonical::{Canonical, CanonicalError},
    digest::Digest,
    ids::ReleaseId,
    lower::{self, LowerError},
    problem::ProblemCode,
    program::Program,
    receipt::Receipt,
    signature::Signed,
};
use sordino_storage::{StorageError, jobs::Finished, jobs::LeasedJob};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;

/// How often progress is written.
const BEAT: Duration = Duration::from_millis(500);
/// Pauses between attempts to write a result; afterwards the lease runs out and the job starts again.
const WRITE_PAUSES: [u64; 6] = [100, 300, 1_000, 2_000, 4_000, 8_000];

/// Why a job did not get to its release.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    /// The worker is stopping.
    #[error("the worker stopped")]
    Stopped,
    /// The job was cancelled, or another worker has it.
    #[error("the job is not ours any more")]
    Lost,
    /// The program cannot be compiled any more.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// It compiles to another program than was quoted.
    #[error("the query compiles to program {compiled}, but {quoted} was quoted")]
    OtherProgram { compiled: Digest, quoted: Digest },
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Works on a job to its end, whatever that is.
pub(super) async fn work(shared: Arc<Shared>, token: LeaseToken, leased: LeasedJob, stop: CancellationToken) {
    let id = leased.job.id;
    tracing::info!(job = %id, attempt = leased.job.progress.attempts, "evaluating");
    let error = match attempt(&shared, token, &leased, &stop).await {
        Ok(evaluate_ms) => {
            let keys = shared.executor.key_cache();
            let (key_hits, key_misses, key_bytes) = (keys.hits, keys.misses, keys.bytes);
            tracing::info!(job = %id, evaluate_ms, key_hits, key_misses, key_bytes, "evaluated");
            return;
        }
        Err(WorkError::Lost) => {
            tracing::info!(job = %id, "cancelled, or taken over");
            return;
        }
        Err(error) => error,
    };
    tracing::warn!(job = %id, %error, "the attempt failed");
    let (problem, retry) = (problem(&error), retry(&error));
    let now = shared.clock.now();
    let storage = &shared.storage;
    let failed = persist(|| storage.jobs().fail(id, token, problem.clone(), retry, now)).await;
    if let Err(error) = failed {
        // The lease runs out, and the job starts again.
        tracing::warn!(job = %id, %error, "the failure could not be written");
    }
}

async fn attempt(
    shared: &Shared,
    token: LeaseToken,
    leased: &LeasedJob,
    stop: &CancellationToken,
) -> Result<u64, WorkError> {
    let manifest = Arc::new(leased.manifest.body.clone());
    let program = Arc::new(compile(leased)?);
    let progress = Arc::new(JobProgress::new());
    let objects = shared.storage.object_store();
    let evaluating = shared.executor.evaluate(objects, manifest, Arc::clone(&program), Arc::clone(&progress));
    let evaluation = tokio::select! {
        evaluation = evaluating => evaluation?,
        lost = beat(shared, token, leased, &progress) => return Err(lost),
        () = stop.cancelled() => return Err(WorkError::Stopped),
    };
    let evaluate_ms = u64::try_from(evaluation.elapsed.as_millis()).unwrap_or(u64::MAX);
    complete(shared, token, leased, &program, evaluation, evaluate_ms).await?;
    Ok(evaluate_ms)
}

/// The program that was quoted, compiled again: nothing but the query is stored.
fn compile(leased: &LeasedJob) -> Result<Program, WorkError> {
    let quote = &leased.quote.body;
    let program = lower::lower(&leased.manifest.body, &leased.query, quote.layout)?;
    let compiled = program.digest()?;
    if compiled == quote.program {
        Ok(program)
    } else {
        Err(WorkError::OtherProgram { compiled, quoted: quote.program })
    }
}

/// Renews the lease and writes progress; returns only when the job is lost.
async fn beat(shared: &Shared, token: LeaseToken, leased: &LeasedJob, progress: &JobProgress) -> WorkError {
    loop {
        tokio::time::sleep(BEAT).await;
        let until = shared.clock.now() + shared.lease;
        match shared.storage.jobs().renew(leased.job.id, token, until, progress.done()).await {
            Ok(()) => {}
            Err(error) if error.is_retryable() => tracing::warn!(%error, "the lease was not renewed"),
            Err(StorageError::Job(_) | StorageError::NotFound { .. }) => {
                progress.cancel();
                return WorkError::Lost;
            }
            Err(error) => {
                progress.cancel();
                return error.into();
            }
        }
    }
}

async fn complete(
    shared: &Shared,
    token: LeaseToken,
    leased: &LeasedJob,
    program: &Program,
    evaluation: Evaluation,
    evaluate_ms: u64,
) -> Result<(), WorkError> {
    let now = shared.clock.now();
    let storage = &shared.storage;
    let outputs = bytes::Bytes::from(evaluation.outputs);
    let owner = leased.job.owner;
    let outputs = persist(|| storage.objects().put_bytes(owner, outputs.clone(), now)).await?;
    let receipt = receipt(shared, leased, program, outputs)?;
    let release = ReleaseId::new(Uuid::now_v7());
    let finish = || Finished { release, receipt: receipt.clone(), evaluate_ms };
    match persist(|| storage.jobs().complete(leased.job.id, token, finish(), now)).await {
        Ok(_) => Ok(()),
        Err(StorageError::Job(_)) => Err(WorkError::Lost),
        Err(error) => Err(error.into()),
    }
}

fn receipt(
    shared: &Shared,
    leased: &LeasedJob,
    program: &Program,
    outputs: Digest,
) -> Result<Signed<Receipt>, CanonicalError> {
    let (quote, manifest) = (&leased.quote.body, &leased.manifest.body);
    let scan = manifest.scan_layout(program.parameter_set());
    shared.platform.sign(Receipt {
        job: leased.job.id,
        listing: leased.job.listing,
        dataset: leased.job.dataset,
        root: manifest.root,
        query: leased.job.query,
        quote: quote.digest()?,
        program: quote.program,
        parameter_set: program.parameter_set(),
        evaluation_keys: scan.map(|scan| scan.evaluation_keys),
        outputs,
        operations: quote.operations,
        units: quote.units,
        price: quote.price,
        currency: quote.currency,
        evaluated_at: shared.clock.now(),
    })
}

/// Repeats a write while its failure may pass.
async fn persist<T, F>(mut write: impl FnMut() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    for pause in WRITE_PAUSES {
        match write().await {
            Err(error) if error.is_retryable() => tracing::warn!(%error, "trying again"),
            result => return result,
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    write().await
}

fn retry(error: &WorkError) -> Retry {
    match error {
        WorkError::Stopped => Retry::Later,
        WorkError::Engine(error) if error.is_retryable() => Retry::Later,
        WorkError::Storage(error) if error.is_retryable() => Retry::Later,
        WorkError::Lost
        | WorkError::Lower(_)
        | WorkError::OtherProgram { .. }
        | WorkError::Canonical(_)
        | WorkError::Engine(_)
        | WorkError::Storage(_) => Retry::Never,
    }
}

/// What the buyer is told: what concerns the dataset, but nothing of the platform's inside.
fn problem(error: &WorkError) -> JobProblem {
    let (code, detail) = match error {
        WorkError::Stopped => (ProblemCode::Unavailable, "the worker stopped"),
        WorkError::Engine(EngineError::Missing(_)) => {
            (ProblemCode::MissingObjects, "an object of the dataset is missing")
        }
        WorkError::Engine(EngineError::Damaged { .. } | EngineError::Fhe(_)) => {
            (ProblemCode::BadCiphertext, "an object of the dataset is damaged or not acceptable")
        }
        WorkError::Lower(_) | WorkError::OtherProgram { .. } => (
            ProblemCode::NoPlan,
            "the program that was quoted can no longer be compiled: ask for a new quote",
        ),
        WorkError::Lost | WorkError::Canonical(_) | WorkError::Engine(_) | WorkError::Storage(_) => {
            (ProblemCode::Internal, "the evaluation failed on the platform; nothing was charged")
        }
    };
    JobProblem { code, detail: detail.to_owned() }
}
