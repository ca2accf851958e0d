//! Accounts, sessions, signing keys and API keys.

use actix_web::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;
use sordino_protocol::{
    api::{Account, ApiKeys, CreatedApiKey, RegisterKey, Role, Scope, Session},
    quote::KeyProof,
};

use super::world::World;

#[actix_web::test]
async fn registering_signs_in_and_a_name_is_taken_once() {
    let world = World::new().await;
    let body = json!({"email": " Ada@Example.org", "password": "long enough"});
    let reply = world.post("/v1/accounts", "", &body).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let session: Session = reply.json();
    assert_eq!(session.account.email, "ada@example.org");
    assert_eq!(session.account.role, Role::Member);
    let me: Account = world.get("/v1/account", &session.token).await.json();
    assert_eq!(me.id, session.account.id);
    let again =
        world.post("/v1/accounts", "", &json!({"email": "ada@example.org", "password": "long enough"})).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "conflict"));
}

#[actix_web::test]
async fn bad_registrations_are_refused_with_the_reason() {
    let world = World::new().await;
    for (body, word) in [
        (json!({"email": "ada", "password": "long enough"}), "e-mail"),
        (json!({"email": "a@b.c", "password": "short"}), "at least 10"),
        (json!({"email": "a@b.c", "password": "x".repeat(2_000)}), "at most"),
        (json!({"email": "a@b.c"}), "password"),
        (json!({"email": "a@b.c", "password": "long enough", "role": "operator"}), "role"),
    ] {
        let reply = world.post("/v1/accounts", "", &body).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, "malformed"), "{body}");
        assert!(reply.text().contains(word), "{}", reply.text());
    }
    let closed = World::with(|settings| settings.registration_open = false).await;
    let reply = closed.post("/v1/accounts", "", &json!({"email": "a@b.c", "password": "long enough"})).await;
    assert_eq!(reply.code(), "forbidden");
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_name_look_alike() {
    let world = World::new().await;
    world.register("ada").await;
    let good = json!({"email": "ada@example.org", "password": "ada-password"});
    let session: Session = world.post("/v1/sessions", "", &good).await.json();
    assert_eq!(session.account.email, "ada@example.org");
    let mut details = Vec::new();
    for (email, password) in
        [("ada@example.org", "ada-passworD"), ("eve@example.org", "ada-password"), ("no address", "x")]
    {
        let reply = world.post("/v1/sessions", "", &json!({"email": email, "password": password})).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        let body: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        details.push(body["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1);
}

#[actix_web::test]
async fn attempts_to_sign_in_are_limited() {
    let world = World::with(|settings| settings.limits.sign_ins_per_minute = 3).await;
    let body = json!({"email": "ada@example.org", "password": "guess guess"});
    for _ in 0..3 {
        assert_eq!(world.post("/v1/sessions", "", &body).await.code(), "unauthenticated");
    }
    let reply = world.post("/v1/sessions", "", &body).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "rate_limited"));
    assert!(reply.header("retry-after").parse::<u64>().expect("seconds") >= 1);
    assert!(reply.text().contains("\"retryable\":true"));
}

#[actix_web::test]
async fn sessions_end_and_false_credentials_are_refused() {
    let world = World::new().await;
    let ada = world.register("ada").await;
    world.pass(TimeDelta::hours(12) - TimeDelta::seconds(1));
    assert_eq!(world.get("/v1/account", &ada.token).await.status, StatusCode::OK);
    world.pass(TimeDelta::seconds(1));
    let reply = world.get("/v1/account", &ada.token).await;
    assert_eq!(reply.code(), "unauthenticated");
    assert!(reply.text().contains("ended"));
    for token in ["", "x", "sord_", "sord_12345678_000000000000000000000000000000000000000"] {
        assert_eq!(world.get("/v1/account", token).await.code(), "unauthenticated", "{token}");
    }
}

#[actix_web::test]
async fn the_first_signing_key_stays() {
    let world = World::new().await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let put = async |token: &str, body: RegisterKey| {
        let json = serde_json::to_value(body).expect("JSON");
        world.send(Method::PUT, "/v1/account/key", token, Some(&json)).await
    };
    let proof = |account, key| KeyProof { account, key };
    let own = ada.key.sign(proof(ada.id, ada.key.verifying_key())).expect("signed");
    assert_eq!(put(&ada.token, RegisterKey { proof: own.clone() }).await.status, StatusCode::OK);
    let other = bob.key.sign(proof(ada.id, bob.key.verifying_key())).expect("signed");
    assert_eq!(put(&ada.token, RegisterKey { proof: other }).await.code(), "conflict");
    assert_eq!(put(&bob.token, RegisterKey { proof: own.clone() }).await.code(), "forbidden");
    let mut forged = own;
    forged.body.key = bob.key.verifying_key();
    assert_eq!(put(&ada.token, RegisterKey { proof: forged }).await.code(), "bad_signature");
}

#[actix_web::test]
async fn api_keys_do_what_their_scope_says_until_deleted() {
    let world = World::new().await;
    let ada = world.register("ada").await;
    let make = async |scope: Scope| -> CreatedApiKey {
        world.post("/v1/api-keys", &ada.token, &json!({"name": "laptop", "scope": scope})).await.json()
    };
    let (full, buy) = (make(Scope::Full).await, make(Scope::Buy).await);
    assert!(full.secret.starts_with(&full.key.prefix));
    for key in [&full, &buy] {
        let me: Account = world.get("/v1/account", &key.secret).await.json();
        assert_eq!(me.id, ada.id);
        assert_eq!(world.get("/v1/api-keys", &key.secret).await.code(), "forbidden");
    }
    let wanted = json!({"digests": []});
    assert_eq!(world.post("/v1/objects/missing", &full.secret, &wanted).await.status, StatusCode::OK);
    assert_eq!(world.post("/v1/objects/missing", &buy.secret, &wanted).await.code(), "forbidden");
    let listed: ApiKeys = world.get("/v1/api-keys", &ada.token).await.json();
    assert_eq!(listed.keys.len(), 2);
    assert!(!world.get("/v1/api-keys", &ada.token).await.text().contains(&full.secret));

    let path = format!("/v1/api-keys/{}", full.key.id);
    let bob = world.register("bob").await;
    assert_eq!(world.send(Method::DELETE, &path, &bob.token, None).await.code(), "not_found");
    assert_eq!(world.send(Method::DELETE, &path, &ada.token, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.send(Method::DELETE, &path, &ada.token, None).await.code(), "not_found");
    assert_eq!(world.get("/v1/account", &full.secret).await.code(), "unauthenticated");
    let mut typed = buy.secret.clone().into_bytes();
    let last = typed.last_mut().expect("not empty");
    *last = if *last == b'0' { b'1' } else { b'0' };
    let typed = String::from_utf8(typed).expect("ascii");
    let reply = world.get("/v1/account", &typed).await;
    assert!(reply.code() == "unauthenticated" && reply.text().contains("typing error"), "{}", reply.text());
    for bad in [
        json!({"name": "", "scope": "buy"}),
        json!({"name": "g", "scope": "gate"}),
        json!({"name": "x", "scope": "all"}),
    ] {
        assert_eq!(world.post("/v1/api-keys", &ada.token, &bad).await.code(), "malformed");
    }
}
