//! `POST /v1/models`: a model in integers is compiled and offered.

use actix_web::web;
use bytes::Bytes;
use sordino_domain::{listings::check_text, models::check_quota};
use sordino_engine::predictor::Artefact;
use sordino_model::quantised::Quantised;
use sordino_protocol::{
    api::{
        ListingState,
        models::{ModelListing, PublishModel, ServedForm},
    },
    canonical::{self, Canonical},
    digest::{Digest, Purpose},
};
use sordino_storage::models::NewModel;

use crate::{
    auth::extract::{Auth, Owner},
    problem::{WebError, WebResult},
    settings::WebSettings,
    state::AppState,
};

/// What compiling yields, off the threads that serve.
struct Compiled {
    request: Digest,
    forms: Vec<ServedForm>,
    artefact: Artefact,
    bytes: Bytes,
}

/// The handler. Repeated with the same content it answers with the same listing.
///
/// # Errors
/// `malformed` (title, quota, price, schema), `model_unsupported` with what to change.
pub async fn publish(
    state: web::Data<AppState>,
    Auth(Owner(who)): Auth<Owner>,
    body: web::Json<PublishModel<Quantised>>,
) -> WebResult<web::Json<ModelListing>> {
    let body = body.into_inner();
    check(&body, &state.settings)?;
    let limit = state.settings.limits.prediction_bytes;
    let shown = without_model(&body);
    let compiled = web::block(move || compile(body, limit)).await.map_err(|_| WebError::Stopping)??;
    let now = state.now();
    let artefact = state.storage.objects().put_bytes(who.account, compiled.bytes, now).await?;
    let model = &compiled.artefact.model;
    let reading = serde_json::to_value(model.reading()).map_err(|_| WebError::Bug("a reading is no JSON"))?;
    let listing = ModelListing {
        id: state.new_id(),
        vendor: who.account,
        title: shown.title,
        description: shown.description,
        state: ListingState::Active,
        kind: compiled.artefact.kind(),
        model: model.digest()?,
        schema: shown.schema,
        encoding: shown.encoding,
        forms: compiled.forms,
        reading,
        price: shown.price,
        currency: shown.currency,
        quota: shown.quota,
        created_at: now,
    };
    let new = NewModel { listing, artefact, request: compiled.request };
    Ok(web::Json(state.storage.models().publish(new).await?))
}

fn check(body: &PublishModel<Quantised>, settings: &WebSettings) -> WebResult<()> {
    check_text(&body.title, &body.description)?;
    check_quota(&body.quota)?;
    body.schema.validate().map_err(|error| WebError::malformed(format!("schema: {error}")))?;
    if body.currency != settings.currency {
        let detail = format!("price: this server trades in {}, not in {}", settings.currency, body.currency);
        return Err(WebError::malformed(detail));
    }
    if body.price.is_negative() {
        return Err(WebError::malformed("price: it may not be below zero"));
    }
    Ok(())
}

/// All that is shown of a publication.
fn without_model(body: &PublishModel<Quantised>) -> PublishModel<()> {
    PublishModel {
        title: body.title.clone(),
        description: body.description.clone(),
        schema: body.schema.clone(),
        encoding: body.encoding,
        serving: body.serving,
        price: body.price,
        currency: body.currency,
        quota: body.quota,
        model: (),
    }
}

fn compile(body: PublishModel<Quantised>, limit: u64) -> WebResult<Compiled> {
    let request = Digest::of(Purpose::Request, &canonical::to_bytes(&body)?);
    let artefact = Artefact::compile(body.model, &body.schema, body.encoding, body.serving)?;
    let forms = artefact.forms(body.encoding, limit)?;
    let bytes = serde_json::to_vec(&artefact).map_err(|_| WebError::Bug("an artefact is no JSON"))?;
    Ok(Compiled { request, forms, artefact, bytes: bytes.into() })
}
