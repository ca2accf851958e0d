//! Having rows predicted: encrypted here, evaluated by the platform, decrypted here.

mod attempt;
mod keys;
mod plan;
mod verify;

pub use keys::secret;
pub use plan::{Plan, plan};

use std::{ops::Range, sync::Arc, time::Instant};

use bytes::Bytes;
use sordino_fhe::{
    keys::KeyBundle,
    predict::{ClientKeys, decrypt, encrypt, outputs_size},
};
use sordino_model::quantised::Predicted;
use sordino_protocol::{
    api::models::{Predict, Prediction},
    digest::{Digest, Purpose},
};

use super::ModelsError;
use crate::{ClientError, session::Session};
use attempt::Attempt;
use verify::Sent;

/// A row's prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the model predicts.
    pub predicted: Predicted,
    /// The integers that were decrypted.
    pub scores: Vec<i64>,
}

/// Predictions of a table, and what they took.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// In the order of the table.
    pub rows: Vec<Row>,
    /// One a request, each verified; to be kept.
    pub predictions: Vec<Prediction>,
    /// Whether it went on with a run that was cut off: what that one had paid was not charged again.
    pub continued: bool,
    /// Bytes of keys that were registered now.
    pub key_bytes: u64,
    /// Bytes of encrypted inputs that were sent.
    pub sent_bytes: u64,
    /// Bytes of encrypted scores that were received.
    pub received_bytes: u64,
    /// Milliseconds of the platform's evaluations, by its receipts.
    pub evaluate_ms: u64,
    /// Milliseconds in all.
    pub total_ms: u64,
}

/// Predicts the rows of a plan. Each request is paid as it is delivered. When a later one fails, the same
/// plan under the same profile goes on from there, and pays for nothing twice.
///
/// # Errors
/// `quota_exceeded`, `insufficient_balance`, `conflict` (the listing has changed: plan again); a receipt
/// that is about something else; those of the network and the platform.
pub async fn run(session: &Session, bundle: &Arc<KeyBundle>, plan: Plan) -> Result<Outcome, ClientError> {
    let started = Instant::now();
    let set = plan.form.form.parameter_set;
    let from = Arc::clone(bundle);
    let keys = Arc::new(off_runtime("making keys", move || secret(&from, set)).await?);
    let (registered, key_bytes) = keys::ensure_registered(session, &keys).await?;
    let plan = Arc::new(plan);
    let (profile, with, of) = (session.profile.clone(), Arc::clone(&keys), Arc::clone(&plan));
    let begin = move || Attempt::begin(&profile, &with, registered, &of);
    let attempt = tokio::task::spawn_blocking(begin).await.map_err(|_| ClientError::Task("hashing"))??;
    let mut outcome = Outcome {
        rows: Vec::with_capacity(plan.table.rows),
        predictions: Vec::with_capacity(plan.requests.len()),
        continued: attempt.again,
        key_bytes,
        sent_bytes: 0,
        received_bytes: 0,
        evaluate_ms: 0,
        total_ms: 0,
    };
    for rows in plan.requests.clone() {
        one(session, &keys, registered, &plan, &attempt, rows, &mut outcome).await?;
    }
    attempt.end(&session.profile)?;
    outcome.total_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(outcome)
}

/// One request: encrypted, sent, verified, decrypted.
async fn one(
    session: &Session,
    keys: &Arc<ClientKeys>,
    registered: Digest,
    plan: &Arc<Plan>,
    attempt: &Attempt,
    rows: Range<usize>,
    outcome: &mut Outcome,
) -> Result<(), ClientError> {
    let listing = &plan.listing;
    let samples = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let price = listing.price_of(samples).map_err(ModelsError::from)?;
    let form = plan.form.digest;
    let request = Predict { model: listing.id, form, keys: registered, samples, price };
    let (with, of, range) = (Arc::clone(keys), Arc::clone(plan), rows.clone());
    let mut rng = attempt.randomness(&rows);
    let inputs =
        off_runtime("encrypting", move || Ok(encrypt(&with, &of.form.form, &of.table, range, &mut rng)?));
    let inputs = Bytes::from(inputs.await?);
    let sent = Sent {
        client: session.account,
        listing,
        form: &plan.form,
        request: &request,
        inputs: Digest::of(Purpose::Object, &inputs),
    };
    outcome.sent_bytes += inputs.len() as u64;
    let prediction = session.client.predict(&request, inputs, &attempt.key(&rows)).await?;
    let limit = outputs_size(&plan.form.form, rows.len()).map_err(ModelsError::from)?;
    let outputs = session.client.prediction_output(prediction.id, limit).await?;
    verify::verify(&prediction, session.platform_key(), &sent, &outputs)?;
    outcome.received_bytes += outputs.len() as u64;
    outcome.evaluate_ms += prediction.receipt.body.evaluate_ms;
    outcome.predictions.push(prediction);
    let (with, of) = (Arc::clone(keys), Arc::clone(plan));
    let scores =
        off_runtime("decrypting", move || Ok(decrypt(&with, &of.form.form, rows, &outputs)?)).await?;
    let read = |scores: Vec<i64>| Row { predicted: listing.reading.read(&scores), scores };
    outcome.rows.extend(scores.into_iter().map(read));
    Ok(())
}

/// Computes on a thread that may take its time.
async fn off_runtime<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, ModelsError> + Send + 'static,
) -> Result<T, ClientError> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_| ClientError::Task(what))??)
}
