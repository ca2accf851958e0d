//! Enrolling gates. What a gate decides is in [`super::buying`].

use actix_web::http::StatusCode;
use sordino_protocol::{
    api::{EnrolGate, EnrolledGate, Releases},
    release::Enrolment,
};

use super::world::World;

#[actix_web::test]
async fn enrolled_again_a_gate_is_the_same_with_a_new_secret() {
    let world = World::new().await;
    let (owner, eve) = (world.register("owner").await, world.register("eve").await);
    let first = world.enrol(&owner, "gate").await;
    let second = world.enrol(&owner, "gate").await;
    assert_eq!(first.id, second.id);
    assert_ne!(first.secret, second.secret);
    let path = format!("/v1/gates/{}/releases", first.id);
    assert!(world.get(&path, &second.secret).await.json::<Releases>().releases.is_empty());
    assert_eq!(world.get(&path, &first.secret).await.code(), "unauthenticated");
    assert_eq!(world.get(&path, &owner.token).await.code(), "forbidden");
    let other = world.enrol(&eve, "another gate").await;
    assert_eq!(world.get(&path, &other.secret).await.code(), "not_found");
    assert_eq!(world.get(&format!("{path}?wait_s=x"), &second.secret).await.code(), "malformed");
    assert_eq!(world.get("/v1/account", &second.secret).await.code(), "forbidden");
}

#[actix_web::test]
async fn an_enrolment_must_be_signed_by_the_gate_for_its_owner() {
    let world = World::new().await;
    let (owner, eve) = (world.register("owner").await, world.register("eve").await);
    let gate = world.enrol(&owner, "gate").await;
    let enrolment = |name: &str, account| Enrolment {
        owner: account,
        gate_key: gate.key.verifying_key(),
        name: name.to_owned(),
    };
    let post = async |token: &str, enrolment| world.post("/v1/gates", token, &EnrolGate { enrolment }).await;
    let good = gate.key.sign(enrolment("gate", owner.id)).expect("signed");
    assert_eq!(post(&eve.token, good.clone()).await.code(), "forbidden");
    let mut forged = good.clone();
    forged.body.owner = eve.id;
    assert_eq!(post(&eve.token, forged).await.code(), "bad_signature");
    let stolen = gate.key.sign(enrolment("gate", eve.id)).expect("signed");
    assert_eq!(post(&eve.token, stolen).await.code(), "conflict");
    let unnamed = gate.key.sign(enrolment(" ", owner.id)).expect("signed");
    assert_eq!(post(&owner.token, unnamed).await.code(), "malformed");
    let reply = post(&owner.token, good).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.json::<EnrolledGate>().id, gate.id);
}
