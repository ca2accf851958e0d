//! Hostile keys and requests for predictions; the whole way with real keys is an integration test.

use actix_web::{http::StatusCode, test::TestRequest};
use sordino_protocol::{
    api::models::ModelListing,
    digest::{Digest, Purpose},
};

use super::{
    models::published,
    world::{Person, Reply, World},
};

async fn register(world: &World, who: &Person, digest: &Digest, set: &str, bytes: &[u8]) -> Reply {
    let request = TestRequest::put()
        .uri(&format!("/v1/client-keys/{digest}?set={set}"))
        .insert_header(("authorization", format!("Bearer {}", who.token)))
        .set_payload(bytes.to_vec());
    world.call(request).await
}

/// A request for one prediction of the first form, with a change to its query string.
async fn ask(world: &World, who: &Person, listing: &ModelListing, more: &str, bytes: &[u8]) -> Reply {
    let (model, form, keys) = (listing.id, listing.forms[0].digest, Digest::from_bytes([1; 32]));
    let mut query = format!("model={model}&form={form}&keys={keys}&samples=1&price=3");
    if let Some((name, _)) = more.split_once('=') {
        let kept: Vec<&str> =
            query.split('&').filter(|part| !part.starts_with(&format!("{name}="))).collect();
        query = format!("{}&{more}", kept.join("&"));
    }
    let request = TestRequest::post()
        .uri(&format!("/v1/predictions?{query}"))
        .insert_header(("authorization", format!("Bearer {}", who.token)))
        .insert_header(("idempotency-key", "key-1"))
        .set_payload(bytes.to_vec());
    world.call(request).await
}

#[actix_web::test]
async fn bytes_that_are_no_keys_are_not_registered() {
    let world = World::new().await;
    let client = world.register("client").await;
    let bytes = vec![7u8; 1_000];
    let digest = Digest::of(Purpose::Object, &bytes);
    let rubbish = register(&world, &client, &digest, "predict-4k-v2", &bytes).await;
    assert_eq!(
        (rubbish.status, rubbish.code().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "bad_ciphertext"),
        "{}",
        rubbish.text()
    );
    let other = Digest::from_bytes([9; 32]);
    assert_eq!(register(&world, &client, &other, "predict-4k-v2", &bytes).await.code(), "digest_mismatch");
    let large = vec![7u8; 4 << 20];
    let digest = Digest::of(Purpose::Object, &large);
    assert_eq!(register(&world, &client, &digest, "predict-4k-v2", &large).await.code(), "too_large");
    for set in ["rollup-v1", "predict-9k-v9", "", "predict-4k-v2&more=1"] {
        assert_eq!(register(&world, &client, &digest, set, &bytes).await.code(), "malformed", "{set}");
    }
}

#[actix_web::test]
async fn requests_that_do_not_fit_the_listing_are_refused_before_anything_is_evaluated() {
    let world = World::new().await;
    let (vendor, client) = (world.register("vendor").await, world.register("client").await);
    world.top_up(client.id, 1_000).await;
    let listing = published(&world, &vendor).await;
    let bytes = vec![0u8; 100];
    let unknown = Digest::from_bytes([8; 32]);
    for (more, code, word) in [
        (format!("form={unknown}"), "conflict", "form"),
        ("samples=0".to_owned(), "malformed", "1 to 10"),
        ("samples=11".to_owned(), "malformed", "1 to 10"),
        ("samples=-1".to_owned(), "malformed", "query string"),
        ("price=2".to_owned(), "conflict", "cost 0.03"),
        ("price=x".to_owned(), "malformed", "query string"),
        ("surprise=1".to_owned(), "malformed", "surprise"),
        ("model=mdl_00000000000000000000000000000000".to_owned(), "not_found", "model"),
        (String::new(), "not_found", "client keys"),
    ] {
        let reply = ask(&world, &client, &listing, &more, &bytes).await;
        assert_eq!(reply.code(), code, "{more}: {}", reply.text());
        assert!(reply.text().contains(word), "{more}: {}", reply.text());
    }
    let large = vec![0u8; usize::try_from(listing.forms[0].input_bytes).expect("fits") + 1];
    assert_eq!(ask(&world, &client, &listing, "", &large).await.code(), "too_large");
    let keyless = TestRequest::post()
        .uri("/v1/predictions?model=x")
        .insert_header(("authorization", format!("Bearer {}", client.token)));
    assert_eq!(world.call(keyless).await.code(), "idempotency_key_missing");
    let path = format!("/v1/models/{}/withdraw", listing.id);
    assert!(world.post(&path, &vendor.token, &()).await.status.is_success());
    let withdrawn = ask(&world, &client, &listing, "", &bytes).await;
    assert_eq!(withdrawn.code(), "conflict", "{}", withdrawn.text());
    assert!(world.state.storage.ledger().audit().await.expect("an audit").is_clean());
    let nothing = "/v1/predictions/prd_00000000000000000000000000000000";
    for part in ["receipt", "output"] {
        assert_eq!(world.get(&format!("{nothing}/{part}"), &client.token).await.code(), "not_found");
    }
}

#[actix_web::test]
async fn requests_are_limited_by_account() {
    let world = World::with(|settings| settings.limits.predictions_per_minute = 1).await;
    let (vendor, client) = (world.register("vendor").await, world.register("client").await);
    let listing = published(&world, &vendor).await;
    assert_eq!(ask(&world, &client, &listing, "", &[]).await.code(), "not_found");
    let second = ask(&world, &client, &listing, "", &[]).await;
    assert_eq!((second.status, second.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "rate_limited"));
    assert!(second.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
}
