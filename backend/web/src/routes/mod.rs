//! The routes: one file an endpoint. The table of `/v1` is in [`sordino_protocol::api`].

pub mod accounts;
pub mod api_keys;
pub mod client_keys;
pub mod explanations;
pub mod gates;
pub mod health;
pub mod ledger;
pub mod listings;
pub mod models;
pub mod objects;
pub mod pages;
pub mod platform;
pub mod predictions;
pub mod queries;
pub mod quotes;
pub mod releases;
pub mod sessions;

use actix_web::web::{self, ServiceConfig, get, post, put, resource, scope};

use crate::{problem, settings::Limits};

/// Every route below the root.
pub fn all(config: &mut ServiceConfig, limits: &Limits) {
    config
        .route("/healthz", get().to(health::alive))
        .route("/readyz", get().to(health::ready))
        .service(scope("/v1").configure(|config| v1(config, limits)))
        .configure(portal);
}

fn v1(config: &mut ServiceConfig, limits: &Limits) {
    config
        .service(resource("/platform").get(platform::platform))
        .service(resource("/accounts").post(accounts::register::register))
        .service(resource("/account").get(accounts::show::show))
        .service(resource("/account/key").put(accounts::key::register_key))
        .service(resource("/sessions").post(sessions::create::create))
        .service(
            resource("/api-keys")
                .route(post().to(api_keys::create::create))
                .route(get().to(api_keys::list::list)),
        )
        .service(resource("/api-keys/{id}").delete(api_keys::delete::delete))
        .service(resource("/objects/missing").post(objects::missing::missing))
        .service(
            resource("/objects/{digest}")
                .route(put().to(objects::upload::upload))
                .route(get().to(objects::download::download)),
        )
        .service(
            resource("/listings")
                .app_data(json(limits.manifest_bytes))
                .route(post().to(listings::publish::publish))
                .route(get().to(listings::list::list)),
        )
        .service(resource("/listings/{id}").get(listings::show::show))
        .service(resource("/listings/{id}/manifest").get(listings::manifest::manifest))
        .service(resource("/listings/{id}/sandbox").get(listings::sandbox::sandbox))
        .service(
            resource("/listings/{id}/versions")
                .app_data(json(limits.manifest_bytes))
                .route(post().to(listings::append::append)),
        )
        .service(resource("/listings/{id}/withdraw").post(listings::withdraw::withdraw))
        .service(
            resource("/models")
                .app_data(json(limits.model_bytes))
                .route(post().to(models::publish::publish))
                .route(get().to(models::list::list)),
        )
        .service(resource("/models/{id}").get(models::show::show))
        .service(resource("/models/{id}/withdraw").post(models::withdraw::withdraw))
        .service(resource("/client-keys/{digest}").put(client_keys::register::register))
        .service(resource("/predictions").post(predictions::predict::predict))
        .service(resource("/predictions/{id}/output").get(predictions::output::output))
        .service(resource("/predictions/{id}/receipt").get(predictions::receipt::receipt))
        .service(resource("/quotes").post(quotes::ask::ask))
        .service(resource("/explanations").post(explanations::ask::ask))
        .service(resource("/queries").post(queries::buy::buy))
        .service(resource("/queries/{job}").get(queries::show::show))
        .service(resource("/queries/{job}/cancel").post(queries::cancel::cancel))
        .service(resource("/queries/{job}/events").get(queries::events::events))
        .service(resource("/queries/{job}/answer").get(queries::answer::answer))
        .service(resource("/queries/{job}/presentation").get(queries::presentation::presentation))
        .service(resource("/queries/{job}/receipt").get(queries::receipt::receipt))
        .service(resource("/gates").post(gates::enrol::enrol))
        .service(resource("/gates/{id}/releases").get(gates::releases::releases))
        .service(resource("/releases/{id}").post(releases::decide::decide))
        .service(resource("/balance").get(ledger::balance::balance))
        .service(resource("/ledger").get(ledger::statement::statement))
        .service(resource("/top-ups").post(ledger::top_up::top_up));
}

fn portal(config: &mut ServiceConfig) {
    config
        .service(resource("/").get(pages::catalogue::catalogue))
        .service(resource("/listings/{id}").get(pages::listing::listing))
        .service(resource("/models").get(pages::models::models))
        .service(resource("/models/{id}").get(pages::model::model))
        .service(
            resource("/sign-in")
                .route(get().to(pages::sign_in::show))
                .route(post().to(pages::sign_in::submit)),
        )
        .service(
            resource("/sign-up")
                .route(get().to(pages::sign_up::show))
                .route(post().to(pages::sign_up::submit)),
        )
        .service(resource("/sign-out").post(pages::sign_out::submit))
        .service(resource("/account").get(pages::account::account))
        .service(resource("/static/{file}").get(pages::assets::asset));
}

/// How JSON bodies are read: limited, and with our errors.
pub fn json(limit: usize) -> web::JsonConfig {
    let shown = limit as u64;
    web::JsonConfig::default().limit(limit).error_handler(move |error, _| problem::json(&error, shown).into())
}
