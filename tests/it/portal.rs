//! The portal in a real browser: headless Chromium renders the pages.

use std::{ffi::OsString, process::Command};

use sordino_client::models::publish::{self, Output, Request};
use sordino_protocol::{
    api::models::{PredictionQuota, Serving},
    money::Amount,
    policy::Policy,
    predict::InputEncoding,
};
use sordino_tests::{
    app::{TestApp, block_on},
    models::{Fitted, Numbers, fitted},
    parties::Party,
    proxy::Proxy,
    skip::skip,
    tables,
};

#[test]
fn a_browser_renders_the_catalogues_a_listing_and_a_model_without_asking_anybody_else() {
    let Some(chromium) = chromium() else {
        return skip(
            "the browser: install Chromium (Debian: apt-get install chromium) or name one in SORDINO_TEST_CHROMIUM",
        );
    };
    block_on(async {
        let app = TestApp::start().await;
        let owner = Party::join(app.folder.path(), app.url(), "owner").await;
        let csv = app.folder.path().join("people.csv");
        tables::write_small(&csv, tables::small_rows());
        let published = owner.publish(&csv, tables::small_schema(), Policy::default()).await;
        let listing = published.expect("published").listing;
        let request = request(&fitted(app.folder.path(), "tree_german_credit", Numbers::Buckets));
        let prepared = publish::prepare(&request).expect("a model");
        let model = publish::publish(&owner.session, &request, &prepared).await.expect("offered");
        let proxy = Proxy::start(app.url()).await;
        for (path, expected) in [
            ("/".to_owned(), "people of a test"),
            (format!("/listings/{}", listing.id), "FROM people"),
            ("/models".to_owned(), "Who pays back"),
            (format!("/models/{}", model.id), "credit_amount"),
            ("/sign-in".to_owned(), "type=\"password\""),
        ] {
            let url = format!("{}{path}", proxy.url());
            let (chromium, profile) = (chromium.clone(), app.folder.path().join("browser"));
            let dom =
                tokio::task::spawn_blocking(move || dump(&chromium, &profile, &url)).await.expect("ran");
            assert!(dom.contains(expected), "{path}: {dom}");
            let foreign = ["src=\"http", "href=\"//", "src=\"//", "@import"];
            assert!(!foreign.iter().any(|link| dom.contains(link)), "{path} asks somebody else: {dom}");
        }
        let asked: Vec<u8> = proxy.crossed().concat();
        let styled = memchr::memmem::find(&asked, b"text/css").is_some();
        assert!(styled, "the browser fetched the style sheet from us");
    });
}

/// A model for sale.
fn request(fitted: &Fitted) -> Request {
    Request {
        file: fitted.model.clone(),
        schema: fitted.schema.clone(),
        title: "Who pays back".to_owned(),
        description: "A tree of depth 4, fitted to German Credit.".to_owned(),
        encoding: InputEncoding::Tests,
        serving: Serving::Both,
        price: Amount::minor(2),
        quota: PredictionQuota::default(),
        score_bits: Some(16),
        output: Output::Scores,
    }
}

/// The browser that SORDINO_TEST_CHROMIUM names, or one in PATH.
fn chromium() -> Option<OsString> {
    let runs = |name: &OsString| Command::new(name).arg("--version").output().is_ok();
    std::env::var_os("SORDINO_TEST_CHROMIUM").or_else(|| Some("chromium".into()).filter(runs))
}

/// What the browser made of a page, as HTML.
fn dump(chromium: &std::ffi::OsStr, profile: &std::path::Path, url: &str) -> String {
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--virtual-time-budget=3000", "--dump-dom", url])
        .output()
        .expect("the browser starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
