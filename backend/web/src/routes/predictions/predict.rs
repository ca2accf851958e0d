//! `POST /v1/predictions`: evaluates a model on encrypted rows, and delivers and charges in one step. The
//! query string is [`Predict`], the body the encrypted inputs. What fails costs nothing.

use actix_web::{HttpRequest, web};
use bytes::Bytes;
use sordino_domain::models::{ModelError, admit};
use sordino_engine::predictor::{Evaluated, Request, input_bytes};
use sordino_protocol::{
    api::models::{Predict, Prediction, ServedForm},
    canonical,
    digest::{Digest, Purpose},
    ids::AccountId,
    receipt::PredictionReceipt,
};
use sordino_storage::{StorageError, models::StoredModel, predictions::Delivery};

use crate::{
    auth::extract::{Auth, Buyer},
    body,
    idempotency::Idempotent,
    problem::{WebError, WebResult},
    state::AppState,
};

/// The handler. Repeated with the same key and body it answers with the same prediction, and neither
/// evaluates nor charges again.
///
/// # Errors
/// `not_found` (model or keys), `conflict` (withdrawn, another form or price), `malformed` (number of
/// samples), `too_large` and `bad_ciphertext` (the inputs), `quota_exceeded` and `rate_limited` with the
/// time to wait, `insufficient_balance`, `idempotency_mismatch`, `unavailable` (try again).
pub async fn predict(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    Idempotent(key): Idempotent,
    query: web::Query<Predict>,
    request: HttpRequest,
    mut payload: web::Payload,
) -> WebResult<web::Json<Prediction>> {
    state.rates.prediction(who.account)?;
    let stored = state.storage.models().get(query.model).await?;
    let unknown = || ModelError::Form { model: query.model, form: query.form };
    let limit = size(&stored, &query).ok_or_else(unknown)?.min(state.settings.limits.prediction_bytes);
    body::check_length(&request, limit)?;
    let room = state.predictor.room(limit).await?;
    let inputs = body::whole(&mut payload, limit).await?;
    let named = Named::of(&query, &inputs)?;
    let predictions = state.storage.predictions();
    if let Some(before) = predictions.before(who.account, &key, named.request).await? {
        return Ok(web::Json(before));
    }
    let form = admit(&stored.listing, &query)?;
    check(&state, who.account, &query, &stored, form).await?;
    let work = Request {
        artefact: stored.artefact,
        form: query.form,
        keys: query.keys,
        inputs,
        samples: query.samples,
    };
    let evaluated = state.predictor.evaluate(work).await?;
    drop(room);
    let receipt = receipt(&state, who.account, &query, &stored, form, named.inputs, evaluated).await?;
    let receipt = state.platform.sign(receipt)?;
    let delivery = Delivery { receipt, fee: state.settings.fee, key, request: named.request };
    Ok(web::Json(predictions.deliver(who.account, delivery, state.now()).await?))
}

/// Bytes of the inputs; `None` for a form that the model does not have.
fn size(stored: &StoredModel, query: &Predict) -> Option<u64> {
    let form = stored.listing.forms.iter().find(|form| form.digest == query.form)?;
    Some(input_bytes(&form.form, query.samples)?.min(form.most_input_bytes))
}

/// Digests of what came.
struct Named {
    inputs: Digest,
    request: Digest,
}

impl Named {
    fn of(query: &Predict, inputs: &Bytes) -> WebResult<Self> {
        let inputs = Digest::of(Purpose::Object, inputs);
        let request = canonical::to_bytes(&("predictions", query, inputs))?;
        Ok(Self { inputs, request: Digest::of(Purpose::Request, &request) })
    }
}

/// What would be refused in the end need not be evaluated. Delivery asks all of it again.
async fn check(
    state: &AppState,
    client: AccountId,
    query: &Predict,
    stored: &StoredModel,
    form: &ServedForm,
) -> WebResult<()> {
    let listing = &stored.listing;
    let keys = state.storage.client_keys().get(client, query.keys).await?;
    if keys.parameter_set != form.form.parameter_set {
        return Err(WebError::Conflict {
            reason: "the keys are of another parameter set than the form: register keys of the form's set",
        });
    }
    state.storage.predictions().check_quota(client, listing, query.samples, state.now()).await?;
    let balance = state.storage.ledger().balance(client, listing.currency).await?;
    if balance.prepaid < query.price {
        let (needed, available, currency) = (query.price, balance.prepaid, listing.currency);
        return Err(StorageError::InsufficientBalance { needed, available, currency }.into());
    }
    Ok(())
}

/// Stores the scores in the client's name and says what was done.
async fn receipt(
    state: &AppState,
    client: AccountId,
    query: &Predict,
    stored: &StoredModel,
    form: &ServedForm,
    inputs: Digest,
    evaluated: Evaluated,
) -> WebResult<PredictionReceipt> {
    let now = state.now();
    let outputs = state.storage.objects().put_bytes(client, evaluated.outputs.into(), now).await?;
    Ok(PredictionReceipt {
        prediction: state.new_id(),
        client,
        listing: stored.listing.id,
        model: stored.listing.model,
        program: form.program,
        parameter_set: form.form.parameter_set,
        keys: query.keys,
        inputs,
        outputs,
        samples: query.samples,
        price: query.price,
        currency: stored.listing.currency,
        evaluate_ms: u64::try_from(evaluated.elapsed.as_millis()).unwrap_or(u64::MAX),
        evaluated_at: now,
    })
}
