//! Uploading and downloading objects.

use actix_web::{http::StatusCode, test::TestRequest};
use serde_json::json;
use sordino_protocol::{
    api::ObjectsWanted,
    digest::{Digest, Purpose},
};

use super::world::{Person, Reply, World};

async fn put(world: &World, who: &Person, digest: &Digest, bytes: &[u8]) -> Reply {
    let request = TestRequest::put()
        .uri(&format!("/v1/objects/{digest}"))
        .insert_header(("authorization", format!("Bearer {}", who.token)))
        .set_payload(bytes.to_vec());
    world.call(request).await
}

async fn part(world: &World, token: &str, digest: &Digest, range: &str) -> Reply {
    let request = TestRequest::get()
        .uri(&format!("/v1/objects/{digest}"))
        .insert_header(("authorization", format!("Bearer {token}")))
        .insert_header(("range", range));
    world.call(request).await
}

#[actix_web::test]
async fn an_object_is_stored_once_and_read_in_parts_by_its_owner_only() {
    let world = World::new().await;
    let (ada, eve) = (world.register("ada").await, world.register("eve").await);
    let bytes: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
    let digest = Digest::of(Purpose::Object, &bytes);
    let wanted = json!({"digests": [digest]});
    let missing: ObjectsWanted = world.post("/v1/objects/missing", &ada.token, &wanted).await.json();
    assert_eq!(missing.digests, vec![digest]);
    for _ in 0..2 {
        assert_eq!(put(&world, &ada, &digest, &bytes).await.status, StatusCode::NO_CONTENT);
    }
    let missing: ObjectsWanted = world.post("/v1/objects/missing", &ada.token, &wanted).await.json();
    assert!(missing.digests.is_empty());

    let whole = world.get(&format!("/v1/objects/{digest}"), &ada.token).await;
    assert_eq!((whole.status, whole.body.as_ref()), (StatusCode::OK, bytes.as_slice()));
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let some = part(&world, &ada.token, &digest, "bytes=10-19").await;
    assert_eq!((some.status, some.body.as_ref()), (StatusCode::PARTIAL_CONTENT, &bytes[10..20]));
    assert_eq!(some.header("content-range"), "bytes 10-19/100000");
    let end = part(&world, &ada.token, &digest, "bytes=-5").await;
    assert_eq!(end.body.as_ref(), &bytes[99_995..]);
    let beyond = part(&world, &ada.token, &digest, "bytes=100000-").await;
    assert_eq!((beyond.status, beyond.code().as_str()), (StatusCode::RANGE_NOT_SATISFIABLE, "malformed"));
    assert_eq!(beyond.header("content-range"), "bytes */100000");

    assert_eq!(world.get(&format!("/v1/objects/{digest}"), &eve.token).await.code(), "not_found");
    assert_eq!(world.get(&format!("/v1/objects/{digest}"), "").await.code(), "unauthenticated");
    let missing: ObjectsWanted = world.post("/v1/objects/missing", &eve.token, &wanted).await.json();
    assert_eq!(missing.digests, vec![digest], "what others store is not told");
}

#[actix_web::test]
async fn truncated_false_and_oversized_uploads_leave_nothing() {
    let world = World::with(|settings| settings.limits.object_bytes = 1_000).await;
    let ada = world.register("ada").await;
    let bytes = [7; 1_000];
    let digest = Digest::of(Purpose::Object, &bytes);
    let truncated = put(&world, &ada, &digest, &bytes[..999]).await;
    assert_eq!(
        (truncated.status, truncated.code().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "digest_mismatch")
    );
    let large = put(&world, &ada, &digest, &[7; 1_001]).await;
    assert_eq!((large.status, large.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    let wanted = json!({"digests": [digest]});
    let missing: ObjectsWanted = world.post("/v1/objects/missing", &ada.token, &wanted).await.json();
    assert_eq!(missing.digests, vec![digest]);
    assert_eq!(put(&world, &ada, &digest, &bytes).await.status, StatusCode::NO_CONTENT);
    let odd = world.get("/v1/objects/zz", &ada.token).await;
    assert_eq!(odd.code(), "malformed");
    let many = json!({"digests": vec![digest; 10_001]});
    assert_eq!(world.post("/v1/objects/missing", &ada.token, &many).await.code(), "malformed");
}
