//! `GET /`: the catalogue.

use actix_web::{HttpResponse, http::StatusCode, web};
use sordino_domain::listings::Listing;
use sordino_frontend_templates::catalogue::{Card, CataloguePage};

use super::{Visit, page, words};
use crate::{problem::WebResult, routes::listings::list::MAX_LISTINGS, state::AppState};

/// The handler.
///
/// # Errors
/// None of its own.
pub async fn catalogue(state: web::Data<AppState>, visit: Visit) -> WebResult<HttpResponse> {
    let listings = state.storage.listings().list(MAX_LISTINGS).await?;
    let view = CataloguePage { frame: visit.frame.clone(), listings: listings.iter().map(card).collect() };
    page(&state, &visit, StatusCode::OK, &view)
}

fn card(listing: &Listing) -> Card {
    let encrypted = listing.schema.columns.iter().filter(|c| c.dimension.is_some() || c.measure.is_some());
    Card {
        href: format!("/listings/{}", listing.id),
        title: listing.title.clone(),
        description: listing.description.clone(),
        rows: words::count(listing.rows, "row"),
        columns: words::count(encrypted.count() as u64, "column"),
        price: words::price_from(&listing.price),
        privacy: words::privacy(&listing.policy),
    }
}
