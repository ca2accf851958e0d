//! Evaluates models on encrypted inputs: on threads of its own, so many requests at a time, and stopped
//! when nobody wants the result. Keys of clients are kept expanded, by digest, bounded by bytes.

mod artefact;
mod memory;
mod store;
#[cfg(test)]
mod tests;

pub use artefact::{Artefact, OfferError};

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use object_store::ObjectStore;
use rand::{
    SeedableRng, TryRngCore,
    rngs::{OsRng, StdRng},
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use sordino_fhe::{error::FheError, predict::Evaluator, progress::Progress, withhold::withhold};
use sordino_protocol::{
    digest::Digest,
    parameters::ParameterSet,
    predict::{InputForm, PredictionProgram},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::executor::{EngineError, KeyCacheStats, keys::KeyCache};
use memory::Memory;

const MIB: u64 = 1 << 20;
/// Inputs that are being received or wait to be evaluated.
const INPUT_BUDGET_MIB: u32 = 512;
/// Requests evaluated at the same time; each uses all threads where it can.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Evaluates predictions. One a process: its bounds hold for all requests together.
pub struct Predictor {
    pool: Arc<ThreadPool>,
    objects: Arc<dyn ObjectStore>,
    inputs: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    keys: KeyCache<Evaluator>,
    artefacts: Memory,
}

/// Room for the inputs of a request, until it is dropped.
#[derive(Debug)]
pub struct Room {
    _inputs: OwnedSemaphorePermit,
}

/// What is to be evaluated.
#[derive(Debug)]
pub struct Request {
    /// The vendor's object with the programs.
    pub artefact: Digest,
    /// Which of them, by digest of its form.
    pub form: Digest,
    /// The client's keys.
    pub keys: Digest,
    /// Encrypted inputs.
    pub inputs: Bytes,
    /// Rows whose scores are delivered; those of others are hidden.
    pub samples: u32,
}

/// Encrypted scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// Their bytes.
    pub outputs: Vec<u8>,
    /// How long it computed, waiting excluded.
    pub elapsed: Duration,
}

impl Predictor {
    /// With so many threads; 0 is taken as 1. Keys and artefacts are read from `objects`.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(threads: usize, objects: Arc<dyn ObjectStore>) -> Result<Self, EngineError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.clamp(1, 1_024))
            .thread_name(|index| format!("predict-{index}"))
            .build()
            .map_err(|error| EngineError::Threads { reason: error.to_string() })?;
        Ok(Self {
            pool: Arc::new(pool),
            objects,
            inputs: Arc::new(Semaphore::new(INPUT_BUDGET_MIB as usize)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            keys: KeyCache::default(),
            artefacts: Memory::default(),
        })
    }

    /// How the cache of keys does.
    pub fn key_cache(&self) -> KeyCacheStats {
        self.keys.stats()
    }

    /// Makes room for the inputs of a request, before they are received.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when others take all of it for long.
    pub async fn room(&self, bytes: u64) -> Result<Room, EngineError> {
        let mib = bytes.div_ceil(MIB).clamp(1, u64::from(INPUT_BUDGET_MIB)) as u32;
        let wait = Arc::clone(&self.inputs).acquire_many_owned(mib);
        Ok(Room { _inputs: patiently(wait).await? })
    }

    /// Reads a client's keys, to see whether they are any.
    ///
    /// # Errors
    /// When they are refused.
    pub async fn check_keys(&self, keys: Digest, set: ParameterSet) -> Result<(), EngineError> {
        self.evaluator(keys, set).await.map(drop)
    }

    /// Evaluates a request. Dropping the future stops it.
    ///
    /// # Errors
    /// When keys or inputs are refused, something is missing, or others wait for too long already.
    pub async fn evaluate(&self, request: Request) -> Result<Evaluated, EngineError> {
        let stop = CancellationToken::new();
        let _stop_when_dropped = stop.clone().drop_guard();
        let artefact = self.artefact(request.artefact).await?;
        let index = program(&artefact, &request)?;
        let evaluator = self.evaluator(request.keys, artefact.programs[index].form.parameter_set).await?;
        let turn = patiently(Arc::clone(&self.turns).acquire_owned()).await?;
        self.compute(move || {
            let _turn = turn;
            let started = Instant::now();
            let outputs = evaluate(&evaluator, &artefact.programs[index], &request, &stop)?;
            Ok(Evaluated { outputs, elapsed: started.elapsed() })
        })
        .await
    }

    async fn evaluator(&self, keys: Digest, set: ParameterSet) -> Result<Arc<Evaluator>, EngineError> {
        let load = || async {
            let bytes = store::fetch(self.objects.as_ref(), keys).await?;
            self.compute(move || Ok(Evaluator::new(set, &bytes)?)).await
        };
        self.keys.evaluator(keys, set, load).await
    }

    async fn artefact(&self, digest: Digest) -> Result<Arc<Artefact>, EngineError> {
        if let Some(artefact) = self.artefacts.get(&digest) {
            return Ok(artefact);
        }
        let bytes = store::fetch(self.objects.as_ref(), digest).await?;
        let length = bytes.len();
        let artefact = self.compute(move || {
            serde_json::from_slice::<Artefact>(&bytes)
                .map_err(|error| EngineError::Damaged { digest, reason: error.to_string() })
        });
        let artefact = Arc::new(artefact.await?);
        self.artefacts.put(digest, length, &artefact);
        Ok(artefact)
    }

    /// Runs work on the pool.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (send, receive) = oneshot::channel();
        self.pool.spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(EngineError::Panicked));
            // Nobody may be waiting any more.
            let _ = send.send(result);
        });
        receive.await.unwrap_or(Err(EngineError::Panicked))
    }
}

/// Bytes of the keys that clients register for a set; `None` if it has none.
pub fn key_bytes(set: ParameterSet) -> Option<u64> {
    sordino_fhe::predict::registration_size(set).ok()
}

/// Bytes of the encrypted inputs of so many rows; `None` for a form without slots.
pub fn input_bytes(form: &InputForm, samples: u32) -> Option<u64> {
    sordino_fhe::predict::inputs_size(form, samples as usize).ok()
}

fn evaluate(
    evaluator: &Evaluator,
    program: &PredictionProgram,
    request: &Request,
    stop: &CancellationToken,
) -> Result<Vec<u8>, EngineError> {
    // Rows may share a ciphertext, but no ciphertext may be of rows that are not stated.
    if input_bytes(&program.form, request.samples) != Some(request.inputs.len() as u64) {
        let reason = "the inputs have another size than so many samples in this form";
        return Err(FheError::Prediction(reason).into());
    }
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed).map_err(|_| EngineError::Panicked)?;
    let mut rng = StdRng::from_seed(seed);
    let outputs = evaluator.evaluate(program, &request.inputs, &mut rng, &Watched(stop))?;
    Ok(withhold(&program.form, request.samples as usize, outputs, &mut rng)?)
}

/// The program whose form was asked for.
fn program(artefact: &Artefact, request: &Request) -> Result<usize, EngineError> {
    use sordino_protocol::canonical::Canonical;
    let same = |program: &PredictionProgram| program.form.digest().is_ok_and(|form| form == request.form);
    artefact.programs.iter().position(same).ok_or(EngineError::Missing(request.form))
}

/// Waits for a permit, but not for ever.
async fn patiently(
    permit: impl Future<Output = Result<OwnedSemaphorePermit, tokio::sync::AcquireError>>,
) -> Result<OwnedSemaphorePermit, EngineError> {
    match tokio::time::timeout(PATIENCE, permit).await {
        Ok(Ok(permit)) => Ok(permit),
        // Nothing closes the semaphores.
        Ok(Err(_)) | Err(_) => Err(EngineError::Busy),
    }
}

struct Watched<'a>(&'a CancellationToken);

impl Progress for Watched<'_> {
    fn advance(&self, _: u64) {}

    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl std::fmt::Debug for Predictor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Predictor").field("keys", &self.keys.stats()).finish_non_exhaustive()
    }
}
