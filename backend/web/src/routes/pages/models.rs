//! `GET /models`: the models that predict.

use actix_web::{HttpResponse, http::StatusCode, web};
use sordino_frontend_templates::models::{ModelCard, ModelsPage};
use sordino_protocol::api::models::{ModelKind, ModelListing};

use super::{Visit, page, words};
use crate::{problem::WebResult, routes::models::list::MAX_MODELS, state::AppState};

/// The handler.
///
/// # Errors
/// None of its own.
pub async fn models(state: web::Data<AppState>, visit: Visit) -> WebResult<HttpResponse> {
    let models = state.storage.models().list(MAX_MODELS).await?;
    let view = ModelsPage { frame: visit.frame.clone(), models: models.iter().map(card).collect() };
    page(&state, &visit, StatusCode::OK, &view)
}

fn card(model: &ModelListing) -> ModelCard {
    ModelCard {
        href: format!("/models/{}", model.id),
        title: model.title.clone(),
        description: model.description.clone(),
        kind: kind(model.kind).to_owned(),
        columns: words::count(model.schema.columns.len() as u64, "column"),
        predicts: match classes(model).len() {
            0 => "predicts a number".to_owned(),
            classes => format!("{classes} classes"),
        },
        price: format!("{} a prediction", words::money(model.price, model.currency)),
    }
}

/// A kind in words.
pub(super) const fn kind(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Sums => "sum over columns",
        ModelKind::Trees => "trees",
        ModelKind::Network => "network",
    }
}

/// The names of the classes; none for a model that predicts a number. How scores are read is a type of
/// the model crate and public as JSON.
pub(super) fn classes(model: &ModelListing) -> Vec<String> {
    let classes = model.reading.get("classes").and_then(|classes| classes.as_array());
    classes.into_iter().flatten().filter_map(|class| class.as_str()).map(str::to_owned).collect()
}

/// Whether scores are read as probabilities of classes.
pub(super) fn has_probabilities(model: &ModelListing) -> bool {
    let link = model.reading.get("link").and_then(|link| link.as_str());
    matches!(link, Some("sigmoid" | "softmax" | "one_vs_rest" | "probabilities"))
}
