//! `GET /models/{id}`: what a model reads and predicts, costs and reveals, and how to use it.

use actix_web::{HttpResponse, http::StatusCode, web};
use sordino_frontend_templates::{
    listing::{Fact, Recipe},
    models::{FormView, ModelPage},
};
use sordino_protocol::{
    api::{
        ListingState,
        models::{ModelListing, ServedForm},
    },
    ids::ModelId,
    predict::{InputEncoding, Packing},
};

use super::{
    Visit, listing,
    models::{classes, has_probabilities, kind},
    page, words,
};
use crate::{
    problem::{WebError, WebResult},
    state::AppState,
};

/// The most classes that are named.
const SHOWN: usize = 12;

/// The handler.
///
/// # Errors
/// `not_found`.
pub async fn model(
    state: web::Data<AppState>,
    visit: Visit,
    id: web::Path<String>,
) -> WebResult<HttpResponse> {
    let id: ModelId = id.parse().map_err(|_| WebError::NotFound { what: "model" })?;
    let model = state.storage.models().get(id).await?.listing;
    let view = ModelPage {
        frame: visit.frame.clone(),
        title: model.title.clone(),
        description: model.description.clone(),
        withdrawn: model.state == ListingState::Withdrawn,
        facts: facts(&model),
        price: price(&model),
        outputs: outputs(&model),
        forms: model.forms.iter().map(form).collect(),
        columns: model.schema.columns.iter().map(listing::column).collect(),
        recipes: recipes(&model, &state.settings.public_url),
    };
    page(&state, &visit, StatusCode::OK, &view)
}

fn facts(model: &ModelListing) -> Vec<Fact> {
    let encoding = match model.encoding {
        InputEncoding::Edges => "every edge of a column",
        InputEncoding::Tests => "the tests of the model",
    };
    vec![
        Fact::new("Kind", kind(model.kind)),
        Fact::new("Columns", words::number(model.schema.columns.len() as u64)),
        Fact::new("Clients encrypt", encoding),
        Fact::new("Published", words::time(model.created_at)),
        Fact::code("Digest", model.model.to_string()),
        Fact::code("Model", model.id.to_string()),
    ]
}

fn price(model: &ModelListing) -> Vec<Fact> {
    let quota = &model.quota;
    vec![
        Fact::new("Each prediction", words::money(model.price, model.currency)),
        Fact::new("At most, a request", words::count(quota.samples_per_request.into(), "row")),
        Fact::new("At most, a client and day", words::count(quota.samples_per_day, "row")),
    ]
}

fn outputs(model: &ModelListing) -> Vec<String> {
    let names = classes(model);
    let what = match names.as_slice() {
        [] => "A number for each row.".to_owned(),
        names => {
            let more = match names.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
            let with = if has_probabilities(model) { ", with probabilities" } else { "" };
            format!("One of {} classes for each row: {}{more}{with}.", names.len(), shown.join(", "))
        }
    };
    vec![
        what,
        "Scores are the integers of the published model, exactly; the receipt names its digest.".to_owned(),
        "They arrive encrypted under the client's own keys, hidden by fresh noise.".to_owned(),
    ]
}

fn form(served: &ServedForm) -> FormView {
    let name = match &served.form.packing {
        Packing::Batch { .. } => "Many rows at once",
        Packing::Rows { .. } => "Few rows",
        Packing::Trees { .. } => "One row",
        Packing::Network { .. } => "Rows in slots, for a network",
    };
    let rows = match served.rows {
        1 => "1".to_owned(),
        rows => format!("up to {}", words::number(rows.into())),
    };
    FormView {
        name: name.to_owned(),
        facts: vec![
            Fact::new("Rows of a request", rows),
            Fact::new("Sent for one row", words::bytes(served.input_bytes)),
            Fact::new("Sent for a full request", words::bytes(served.most_input_bytes)),
            Fact::new("Keys, registered once", words::bytes(served.key_bytes)),
            Fact::new("Parameter set", served.form.parameter_set.to_string()),
        ],
        reveals: sentence(&served.reveals),
    }
}

/// With a full stop.
fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

fn recipes(model: &ModelListing, server: &str) -> Vec<Recipe> {
    let id = model.id;
    let header: Vec<&str> = model.schema.columns.iter().map(|column| column.name.as_str()).collect();
    vec![
        Recipe {
            title: "Rows".to_owned(),
            note: "CSV with these columns, in any order, or Parquet; other columns are not read.".to_owned(),
            text: header.join(","),
        },
        Recipe {
            title: "Command line".to_owned(),
            note: "Shows the exact price, encrypts the rows under your own keys, pays, verifies the receipt \
                   and opens the predictions."
                .to_owned(),
            text: format!(
                "sordino --server {server} model show {id}\nsordino --server {server} predict {id} rows.csv"
            ),
        },
        Recipe {
            title: "curl".to_owned(),
            note: "All that clients see of the model, as JSON: forms, digests, and how scores are read."
                .to_owned(),
            text: format!("curl -sS {server}/v1/models/{id}"),
        },
    ]
}
