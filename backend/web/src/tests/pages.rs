//! The portal: pages, forms and cookies.

use actix_web::{
    cookie::Cookie,
    http::{StatusCode, header},
    test::TestRequest,
};

use serde_json::json;

use super::{
    models,
    world::{Reply, World},
};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml");

/// A browser: keeps cookies.
#[derive(Default)]
struct Browser {
    cookies: Vec<Cookie<'static>>,
}

impl Browser {
    async fn send(&mut self, world: &World, mut request: TestRequest) -> Reply {
        for cookie in &self.cookies {
            request = request.cookie(cookie.clone());
        }
        let reply = world.call(request.insert_header(HTML)).await;
        for set in reply.headers.get_all(header::SET_COOKIE) {
            let cookie = Cookie::parse(set.to_str().expect("text").to_owned()).expect("a cookie");
            assert!(cookie.http_only().unwrap_or(false), "{cookie}");
            assert!(cookie.same_site().is_some(), "{cookie}");
            self.cookies.retain(|known| known.name() != cookie.name());
            if !cookie.value().is_empty() {
                self.cookies.push(cookie);
            }
        }
        reply
    }

    async fn get(&mut self, world: &World, path: &str) -> Reply {
        self.send(world, TestRequest::get().uri(path)).await
    }

    async fn submit(&mut self, world: &World, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(world, TestRequest::post().uri(path).set_form(fields)).await
    }

    fn has(&self, name: &str) -> bool {
        self.cookies.iter().any(|cookie| cookie.name() == name)
    }
}

/// The token in a form of the page.
fn token(page: &Reply) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("name=\"form_token\" value=\"").expect("a form");
    rest.split('"').next().expect("a value").to_owned()
}

#[actix_web::test]
async fn the_catalogue_leads_to_listings_that_say_how_to_query_them() {
    let world = World::new().await;
    let mut browser = Browser::default();
    assert!(browser.get(&world, "/").await.text().contains("No listings yet"));
    let owner = world.register("owner").await;
    let gate = world.enrol(&owner, "gate").await;
    let listing = world.publish(&owner, &gate).await;
    let path = format!("/listings/{}", listing.id);
    let catalogue = browser.get(&world, "/").await;
    assert_eq!(catalogue.header("content-type"), "text/html; charset=utf-8");
    assert!(catalogue.text().contains(&path) && catalogue.text().contains("German Credit"));
    let page = browser.get(&world, &path).await.text();
    for expected in [
        "1,000",
        "credit_amount",
        "for free",
        "EUR 0.50",
        "fewer than 10 rows",
        "/v1/quotes",
        &format!("sordino --server http://127.0.0.1:8788 query {}", listing.id),
        &format!("evaluate {} --model model.json --label", listing.id),
        "A &#60;b&#62;table&#60;/b&#62; of loans.",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let buyer = world.register("buyer").await;
    use crate::routes::pages::recipes;
    for example in [recipes::example(&listing.schema), recipes::richer(&listing.schema)] {
        let reply = world.ask(&buyer, &listing, &example).await;
        assert_eq!(reply.status, StatusCode::OK, "{example}: {}", reply.text());
    }
}

#[actix_web::test]
async fn the_models_lead_to_pages_that_say_how_to_predict_and_tell_no_weight() {
    let world = World::new().await;
    let mut browser = Browser::default();
    assert!(browser.get(&world, "/models").await.text().contains("No models yet"));
    let vendor = world.register("vendor").await;
    let model = models::published(&world, &vendor).await;
    let path = format!("/models/{}", model.id);
    let listed = browser.get(&world, "/models").await.text();
    assert!(browser.get(&world, "/").await.text().contains("href=\"/models\""), "it is in the navigation");
    for expected in [path.as_str(), "Who pays back", "EUR 0.03 a prediction", "2 classes", "1 column"] {
        assert!(listed.contains(expected), "{expected}: {listed}");
    }
    let page = browser.get(&world, &path).await.text();
    for expected in [
        "EUR 0.03",
        "10 rows",
        "20 rows",
        "One of 2 classes for each row: no, yes, with probabilities.",
        "Many rows at once",
        "Few rows",
        "nothing but the schema",
        "integers 0 to 9",
        &model.model.to_string(),
        &format!("sordino --server http://127.0.0.1:8788 predict {} rows.csv", model.id),
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains(&models::WEIGHT.to_string()) && !page.contains("is withdrawn"));
    let withdraw = format!("/v1{path}/withdraw");
    assert!(world.post(&withdraw, &vendor.token, &json!({})).await.status.is_success());
    assert!(browser.get(&world, &path).await.text().contains("is withdrawn"));
    assert!(!browser.get(&world, "/models").await.text().contains(&path));
}

#[actix_web::test]
async fn assets_are_served_for_ever_and_only_by_their_name() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let page = browser.get(&world, "/").await.text();
    let (_, rest) = page.split_once("rel=\"stylesheet\" href=\"").expect("a style sheet");
    let path = rest.split('"').next().expect("a path").to_owned();
    let style = browser.get(&world, &path).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(style.header("cache-control").contains("immutable"));
    assert_eq!(browser.get(&world, "/static/style.css").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn signing_up_in_and_out_with_a_browser() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let redirect = browser.get(&world, "/account").await;
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (StatusCode::SEE_OTHER, "/sign-in?next=/account")
    );
    let form = token(&browser.get(&world, "/sign-up").await);
    let fields =
        |password| [("email", "ada@example.org"), ("password", password), ("form_token", form.as_str())];
    let short = browser.submit(&world, "/sign-up", &fields("short")).await;
    assert_eq!(short.status, StatusCode::BAD_REQUEST);
    assert!(short.text().contains("at least 10") && short.text().contains("ada@example.org"));
    let done = browser.submit(&world, "/sign-up", &fields("long enough")).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/account"));
    let account = browser.get(&world, "/account").await;
    assert!(account.text().contains("ada@example.org") && account.text().contains("EUR 0.00"));
    assert_eq!(
        world.get("/v1/account", "").await.code(),
        "unauthenticated",
        "cookies are no API credentials"
    );

    let form = token(&account);
    let out = browser.submit(&world, "/sign-out", &[("form_token", form.as_str())]).await;
    assert_eq!((out.status, out.header("location")), (StatusCode::SEE_OTHER, "/"));
    assert!(!browser.has("sordino_session"));
    let page = browser.get(&world, "/sign-in?next=//evil.example").await;
    assert!(page.text().contains("name=\"next\" value=\"/account\""));
    let form = token(&page);
    let wrong = [("email", "ada@example.org"), ("password", "wrong wrong"), ("form_token", form.as_str())];
    let reply = browser.submit(&world, "/sign-in", &wrong).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert!(reply.text().contains("is wrong") && !reply.text().contains("wrong wrong"));
    let right = [
        ("email", "ada@example.org"),
        ("password", "long enough"),
        ("form_token", form.as_str()),
        ("next", "/listings/lst_1"),
    ];
    let reply = browser.submit(&world, "/sign-in", &right).await;
    assert_eq!((reply.status, reply.header("location")), (StatusCode::SEE_OTHER, "/listings/lst_1"));
    assert!(browser.has("sordino_session"));
}

#[actix_web::test]
async fn forms_of_other_sites_are_refused() {
    let world = World::new().await;
    let mut browser = Browser::default();
    let form = token(&browser.get(&world, "/sign-in").await);
    let other = "0123456789abcdef0123456789abcdef";
    let fields = |token| [("email", "a@b.c"), ("password", "x"), ("form_token", token)];
    assert_eq!(browser.submit(&world, "/sign-in", &fields(other)).await.status, StatusCode::FORBIDDEN);
    let foreign = TestRequest::post()
        .uri("/sign-in")
        .insert_header(("origin", "https://evil.example"))
        .set_form(fields(&form));
    assert_eq!(browser.send(&world, foreign).await.status, StatusCode::FORBIDDEN);
    let mut stranger = Browser::default();
    assert_eq!(stranger.submit(&world, "/sign-in", &fields(&form)).await.status, StatusCode::FORBIDDEN);
    let own = TestRequest::post()
        .uri("/sign-in")
        .insert_header(("origin", "http://127.0.0.1:8788"))
        .set_form(fields(&form));
    assert_eq!(browser.send(&world, own).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn people_see_pages_and_programs_see_problems() {
    let world = World::new().await;
    let mut browser = Browser::default();
    for path in
        ["/nothing", "/listings/lst_1", "/listings/lst_00000000000000000000000000000000", "/models/mdl_1"]
    {
        let page = browser.get(&world, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text().contains("Not found"), "{path}");
        assert_eq!(world.get(path, "").await.code(), "not_found");
    }
    assert_eq!(browser.get(&world, "/v1/nothing").await.code(), "not_found");
}

#[actix_web::test]
async fn cookies_are_secure_behind_tls() {
    let world = World::with(|settings| settings.public_url = "https://data.example".to_owned()).await;
    let mut browser = Browser::default();
    browser.get(&world, "/sign-in").await;
    assert_eq!(browser.cookies[0].secure(), Some(true));
}
