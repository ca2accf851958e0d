//! Publishing, showing and withdrawing listings.

use actix_web::http::StatusCode;
use sordino_protocol::{
    api::{Listing, ListingState, Listings},
    canonical::Canonical,
    manifest::{MAX_SANDBOX_BYTES, Manifest, ObjectRef},
    merkle,
    money::{Amount, Currency},
    signature::Signed,
};

use super::world::{World, resign};

#[actix_web::test]
async fn a_listing_is_published_once_shown_to_all_and_withdrawn_by_its_owner() {
    let world = World::new().await;
    let owner = world.register("owner").await;
    let gate = world.enrol(&owner, "gate").await;
    let body = world.publication(&owner, &gate).await;
    let first: Listing = world.post("/v1/listings", &owner.token, &body).await.json();
    let second: Listing = world.post("/v1/listings", &owner.token, &body).await.json();
    assert_eq!(first.id, second.id);
    assert_eq!(first.dataset, body.manifest.body.digest().expect("a digest"));
    assert_eq!((first.state, first.gate_key), (ListingState::Active, gate.key.verifying_key()));
    let listed: Listings = world.get("/v1/listings", "").await.json();
    assert_eq!(listed.listings, vec![first.clone()]);
    let path = format!("/v1/listings/{}", first.id);
    assert_eq!(world.get(&path, "").await.json::<Listing>(), first);
    let manifest: Signed<Manifest> = world.get(&format!("{path}/manifest"), "").await.json();
    assert_eq!(manifest, body.manifest);
    assert_eq!(world.get(&format!("{path}/sandbox"), "").await.code(), "not_found");

    let withdraw = format!("{path}/withdraw");
    let eve = world.register("eve").await;
    assert_eq!(world.post(&withdraw, &eve.token, &()).await.code(), "not_found");
    for _ in 0..2 {
        let withdrawn: Listing = world.post(&withdraw, &owner.token, &()).await.json();
        assert_eq!(withdrawn.state, ListingState::Withdrawn);
    }
    assert!(world.get("/v1/listings", "").await.json::<Listings>().listings.is_empty());
    assert_eq!(world.get(&path, "").await.status, StatusCode::OK);
    assert_eq!(world.ask(&eve, &first, "SELECT COUNT(*) FROM german_credit").await.code(), "conflict");
    assert_eq!(world.get("/v1/listings/lst_00000000000000000000000000000000", "").await.code(), "not_found");
}

#[actix_web::test]
async fn synthetic_rows_are_shown_to_all_as_they_were_signed() {
    let world = World::new().await;
    let owner = world.register("owner").await;
    let gate = world.enrol(&owner, "gate").await;
    let mut body = world.publication(&owner, &gate).await;
    let rows = b"age,housing\n30,own\n";
    let digest = world.upload(&owner, rows).await;
    body.manifest = resign(&owner, &body.manifest, |manifest| {
        manifest.sandbox = Some(digest);
        manifest.objects.push(ObjectRef { digest, bytes: rows.len() as u64 });
        manifest.root = merkle::root(&manifest.mentioned());
    });
    let listing: Listing = world.post("/v1/listings", &owner.token, &body).await.json();
    let reply = world.get(&format!("/v1/listings/{}/sandbox", listing.id), "").await;
    assert_eq!((reply.status, reply.text().as_bytes()), (StatusCode::OK, rows.as_slice()));

    body.manifest = resign(&owner, &body.manifest, |manifest| {
        let size = &mut manifest.objects.last_mut().expect("objects").bytes;
        *size = MAX_SANDBOX_BYTES + 1;
    });
    assert_eq!(world.post("/v1/listings", &owner.token, &body).await.code(), "bad_manifest");
}

#[actix_web::test]
async fn a_publication_must_be_signed_whole_and_ours() {
    let world = World::new().await;
    let (owner, eve) = (world.register("owner").await, world.register("eve").await);
    let gate = world.enrol(&owner, "gate").await;
    let good = world.publication(&owner, &gate).await;
    let post = async |token: &str, change: &dyn Fn(&mut sordino_protocol::api::Publish)| {
        let mut body = good.clone();
        change(&mut body);
        world.post("/v1/listings", token, &body).await.code()
    };
    assert_eq!(post(&owner.token, &|body| body.manifest.body.rows += 1).await, "bad_signature");
    assert_eq!(post(&eve.token, &|_| {}).await, "bad_signature");
    let other = resign(&owner, &good.manifest, |manifest| manifest.root = manifest.objects[0].digest);
    assert_eq!(post(&owner.token, &|body| body.manifest = other.clone()).await, "bad_manifest");
    let second = resign(&owner, &good.manifest, |manifest| {
        manifest.version = 2;
        manifest.previous = Some(manifest.root);
    });
    assert_eq!(post(&owner.token, &|body| body.manifest = second.clone()).await, "conflict");
    let longer = resign(&owner, &good.manifest, |manifest| manifest.objects[0].bytes += 1);
    assert_eq!(post(&owner.token, &|body| body.manifest = longer.clone()).await, "bad_manifest");
    assert_eq!(post(&owner.token, &|body| body.title = "  ".to_owned()).await, "malformed");
    assert_eq!(post(&owner.token, &|body| body.policy.min_cohort = 0).await, "malformed");
    assert_eq!(post(&owner.token, &|body| body.price.per_value = Amount::minor(-1)).await, "malformed");
    let dollars: Currency = "USD".parse().expect("a currency");
    assert_eq!(post(&owner.token, &|body| body.price.currency = dollars).await, "malformed");
    let foreign = world.enrol(&eve, "another gate").await;
    assert_eq!(post(&owner.token, &|body| body.gate = foreign.id).await, "not_found");
    assert_eq!(post(&gate.secret, &|_| {}).await, "forbidden");
    assert_eq!(post("", &|_| {}).await, "unauthenticated");
}

#[actix_web::test]
async fn objects_must_be_uploaded_by_the_owner_himself() {
    let world = World::new().await;
    let (owner, eve) = (world.register("owner").await, world.register("eve").await);
    let gate = world.enrol(&owner, "gate").await;
    let good = world.publication(&owner, &gate).await;
    let foreign_gate = world.enrol(&eve, "another gate").await;
    let mut stolen = good.clone();
    stolen.manifest = eve.key.sign(good.manifest.body.clone()).expect("signed");
    stolen.gate = foreign_gate.id;
    let reply = world.post("/v1/listings", &eve.token, &stolen).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::CONFLICT, "missing_objects"));
}
