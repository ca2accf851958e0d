//! The HTTP interface: `/v1` for programs and a portal for people, over actix-web.
//!
//! One endpoint, one file, under [`routes`]. A handler checks who is calling and what is asked, and leaves
//! rules to `domain`, transactions to `storage` and planning to `engine`. Errors become problems in
//! [`problem`], and nowhere else. Never sees a key of an owner or a buyer, nor a row, nor an answer. Of a model
//! for sale it sees the weights, once, when it is published.

pub mod auth;
pub mod body;
pub mod clock;
pub mod idempotency;
pub mod middleware;
pub mod problem;
pub mod rate;
pub mod routes;
pub mod settings;
pub mod state;
#[cfg(test)]
mod tests;

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig},
};

pub use clock::{Clock, SystemClock};
pub use settings::{Limits, WebSettings};
pub use state::{AppState, Parts};

use crate::problem::WebError;

/// The most bytes of a form of the portal.
const FORM_BYTES: usize = 16 << 10;

/// Everything an actix `App` needs to serve us: `App::new().configure(sordino_web::configure(state))`.
/// The state is made once and cloned into every worker.
pub fn configure(state: web::Data<AppState>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let limits = state.settings.limits.clone();
        let everything = web::scope("")
            .app_data(routes::json(limits.json_bytes))
            .app_data(
                web::PathConfig::default()
                    .error_handler(|error, _| WebError::malformed(format!("path: {error}")).into()),
            )
            .app_data(
                web::QueryConfig::default()
                    .error_handler(|error, _| WebError::malformed(format!("query string: {error}")).into()),
            )
            .app_data(
                web::FormConfig::default()
                    .limit(FORM_BYTES)
                    .error_handler(|error, _| WebError::malformed(format!("form: {error}")).into()),
            )
            .wrap(from_fn(middleware::guard))
            .configure(|config| routes::all(config, &limits))
            .default_service(web::to(unknown));
        config.app_data(state).service(everything);
    }
}

async fn unknown() -> Result<actix_web::HttpResponse, WebError> {
    Err(WebError::NotFound { what: "page or route" })
}
