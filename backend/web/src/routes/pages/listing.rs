//! `GET /listings/{id}`: what a listing holds, costs and allows, and how to query it.

use actix_web::{HttpResponse, http::StatusCode, web};
use sordino_frontend_templates::listing::{ColumnView, ListingPage};
use sordino_protocol::{
    api::ListingState,
    ids::ListingId,
    schema::{Column, Domain, Measure, decimal},
};

use super::{Visit, page, recipes, words};
use crate::{
    problem::{WebError, WebResult},
    state::AppState,
};

/// The most values of a domain that are shown.
const SHOWN: u32 = 8;

/// The handler.
///
/// # Errors
/// `not_found`.
pub async fn listing(
    state: web::Data<AppState>,
    visit: Visit,
    id: web::Path<String>,
) -> WebResult<HttpResponse> {
    let id: ListingId = id.parse().map_err(|_| WebError::NotFound { what: "listing" })?;
    let listing = state.storage.listings().get(id).await?;
    let encrypted = listing.schema.columns.iter().filter(|c| c.dimension.is_some() || c.measure.is_some());
    let view = ListingPage {
        frame: visit.frame.clone(),
        title: listing.title.clone(),
        description: listing.description.clone(),
        withdrawn: listing.state == ListingState::Withdrawn,
        facts: words::facts(&listing),
        price: words::price(&listing.price),
        policy: words::policy(&listing.policy),
        table: listing.schema.table.clone(),
        columns: encrypted.map(column).collect(),
        recipes: recipes::recipes(&listing, &state.settings.public_url),
    };
    page(&state, &visit, StatusCode::OK, &view)
}

/// A column as it is shown.
pub(super) fn column(column: &Column) -> ColumnView {
    let size = column.dimension.as_ref().map_or(0, |domain| domain.size());
    let values = (0..size.min(SHOWN)).filter_map(|code| column.label(code)).collect();
    ColumnView {
        name: column.name.clone(),
        description: column.description.clone(),
        dimension: column.dimension.as_ref().map(|domain| domain.describe()),
        values,
        more: usize::try_from(size.saturating_sub(SHOWN)).unwrap_or(usize::MAX),
        measure: column.measure.as_ref().map(measure),
        nullable: column.nullable,
        uses: uses(column),
    }
}

/// What a question can do with a column.
fn uses(column: &Column) -> Vec<String> {
    let mut uses = Vec::new();
    match &column.dimension {
        Some(Domain::Order { left, right }) => uses.push(format!("filter: {left} < {right}")),
        Some(domain) => {
            uses.push("filter".to_owned());
            uses.push("group".to_owned());
            if domain.is_ordered() {
                uses.push("rank".to_owned());
            }
        }
        None => {}
    }
    if column.measure.is_some() {
        uses.push("sum".to_owned());
    }
    uses
}

fn measure(measure: &Measure) -> String {
    let scale = measure.scale;
    format!("{} to {}", decimal(measure.min, scale), decimal(measure.max, scale))
}
