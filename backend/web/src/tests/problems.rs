//! What is said of requests that are no requests, and how every response is secured.

use actix_web::{
    http::{Method, StatusCode},
    test::TestRequest,
};
use serde_json::json;
use sordino_protocol::api::Platform;

use super::world::World;

#[actix_web::test]
async fn unknown_paths_methods_and_bodies_are_problems() {
    let world = World::new().await;
    let ada = world.register("ada").await;
    let missing = world.get("/v1/nothing", "").await;
    assert_eq!((missing.status, missing.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    assert_eq!(world.get("/nothing", "").await.code(), "not_found");
    let method = world.send(Method::DELETE, "/v1/platform", "", None).await;
    assert_eq!((method.status, method.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "malformed"));
    let id = world.get("/v1/listings/lst_1", "").await;
    assert_eq!((id.status, id.code().as_str()), (StatusCode::BAD_REQUEST, "malformed"));
    assert!(id.text().contains("lst_"), "{}", id.text());
    let text = TestRequest::post().uri("/v1/sessions").set_payload("{");
    assert_eq!(world.call(text).await.code(), "malformed");
    let broken = TestRequest::post()
        .uri("/v1/sessions")
        .insert_header(("content-type", "application/json"))
        .set_payload("{\"email\": 1");
    assert_eq!(world.call(broken).await.code(), "malformed");
    let unknown = json!({"listing": "lst_00000000000000000000000000000000", "sql": "x", "price": 1});
    assert_eq!(world.post("/v1/quotes", &ada.token, &unknown).await.code(), "malformed");
}

#[actix_web::test]
async fn a_body_beyond_the_limit_is_refused() {
    let world = World::with(|settings| settings.limits.json_bytes = 1_000).await;
    let body = json!({"email": "a@b.c", "password": "x".repeat(2_000)});
    let reply = world.post("/v1/accounts", "", &body).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    assert!(reply.text().contains("1000 bytes"));
}

#[actix_web::test]
async fn every_response_is_secured_and_has_an_id() {
    let world = World::new().await;
    for path in ["/", "/v1/platform", "/v1/account", "/nothing", "/healthz", "/readyz"] {
        let reply = world.get(path, "").await;
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert_eq!(reply.header("x-request-id").len(), 32);
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    }
}

#[actix_web::test]
async fn the_platform_says_who_it_is() {
    let world = World::new().await;
    let platform: Platform = world.get("/v1/platform", "").await.json();
    assert_eq!(platform.name, "sordino");
    assert_eq!(platform.key, world.state.platform.verifying_key());
    assert_eq!(world.get("/healthz", "").await.text(), "ok\n");
    assert_eq!(world.get("/readyz", "").await.text(), "ready\n");
}

#[actix_web::test]
async fn a_panic_becomes_an_opaque_problem() {
    use actix_web::{App, HttpResponse, middleware::from_fn, test, web};

    async fn bad() -> HttpResponse {
        panic!("a secret: canary");
    }
    let app = App::new()
        .service(web::scope("").wrap(from_fn(crate::middleware::guard)).route("/bad", web::get().to(bad)));
    let app = test::init_service(app).await;
    let error = test::try_call_service(&app, TestRequest::get().uri("/bad").to_request()).await;
    let response = error.expect_err("an error").error_response();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(response.headers().contains_key("x-request-id"));
    let body = actix_web::body::to_bytes(response.into_body()).await.expect("a body");
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("\"code\":\"internal\"") && !body.contains("canary"), "{body}");
}

#[test]
fn what_failed_on_our_side_is_not_told() {
    use crate::problem::WebError;
    use sordino_storage::StorageError;

    let row = StorageError::BadRow { table: "accounts", column: "canary", id: "acc_canary".to_owned() };
    let problem = WebError::from(row).problem(Some("id-1".to_owned()));
    assert_eq!((problem.status, problem.kind.as_str()), (500, "https://sordino.dev/problems/internal"));
    assert!(!problem.detail.contains("canary") && problem.request_id.as_deref() == Some("id-1"));
    let busy = WebError::from(StorageError::Busy { attempts: 5 });
    assert_eq!((busy.problem(None).status, busy.retryable()), (503, true));
    let full = WebError::from(StorageError::StorageFull);
    assert_eq!((full.problem(None).status, full.retryable()), (503, true));
}
