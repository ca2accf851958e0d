//! Appending rows to a listing.

use actix_web::http::StatusCode;
use sordino_protocol::{
    api::{Append, JobState, Listing, ListingState},
    canonical::Canonical,
    ids::LineageId,
    manifest::{Manifest, ObjectRef},
    merkle,
    signature::Signed,
};
use uuid::Uuid;

use super::world::{Person, World, resign};

/// The next version of a publication, its objects uploaded; then changed.
async fn next(
    world: &World,
    owner: &Person,
    before: &Signed<Manifest>,
    change: impl FnOnce(&mut Manifest),
) -> Append {
    let previous = before.body.digest().expect("a digest");
    let rollup = before.body.rollup.as_ref().expect("published");
    let mut objects = Vec::new();
    for index in 0..rollup.segments.len() {
        let bytes = format!("segment {index} after {previous}").repeat(50).into_bytes();
        objects.push(ObjectRef { digest: world.upload(owner, &bytes).await, bytes: bytes.len() as u64 });
    }
    let manifest = resign(owner, before, |manifest| {
        manifest.version += 1;
        manifest.previous = Some(previous);
        manifest.rows += 500;
        let segments: Vec<_> = objects.iter().map(|object| object.digest).collect();
        manifest.root = merkle::root(&segments);
        manifest.rollup.as_mut().expect("published").segments = segments;
        manifest.objects = objects;
        change(manifest);
    });
    Append { manifest }
}

#[actix_web::test]
async fn a_listing_serves_the_version_that_was_appended() {
    let world = World::new().await;
    let (owner, buyer) = (world.register("owner").await, world.register("buyer").await);
    let gate = world.enrol(&owner, "gate").await;
    let body = world.publication(&owner, &gate).await;
    let first: Listing = world.post("/v1/listings", &owner.token, &body).await.json();
    world.top_up(buyer.id, 10_000).await;
    let (accepted, open) = (world.offer(&buyer, &first).await, world.offer(&buyer, &first).await);
    let before = world.buy(&buyer, &accepted, "before").await;

    let path = format!("/v1/listings/{}/versions", first.id);
    let append = next(&world, &owner, &body.manifest, |_| {}).await;
    for _ in 0..2 {
        let second: Listing = world.post(&path, &owner.token, &append).await.json();
        assert_eq!((second.id, second.version, second.rows), (first.id, 2, 1_500));
        assert_eq!(second.dataset, append.manifest.body.digest().expect("a digest"));
        let same_terms = Listing {
            version: first.version,
            dataset: first.dataset,
            rows: first.rows,
            bytes: first.bytes,
            ..second.clone()
        };
        assert_eq!(same_terms, first);
        let shown: Listing = world.get(&format!("/v1/listings/{}", first.id), "").await.json();
        assert_eq!(shown, second);
    }
    let manifest: Signed<Manifest> =
        world.get(&format!("/v1/listings/{}/manifest", first.id), "").await.json();
    assert_eq!(manifest, append.manifest);
    // New quotes are of the new version; what was quoted of the old one can still be bought.
    let fresh = world.offer(&buyer, &first).await;
    assert_eq!(fresh.quote.body.dataset, append.manifest.body.digest().expect("a digest"));
    assert_eq!(open.quote.body.dataset, first.dataset);
    let after = world.buy(&buyer, &open, "after").await;
    assert_eq!((before.state, after.state), (JobState::Queued, JobState::Queued));
    let leased = world.state.storage.jobs().get(buyer.id, after.id).await.expect("a job");
    assert_eq!(leased.dataset, first.dataset);
    // A third version follows the second, and only that.
    let third = next(&world, &owner, &append.manifest, |_| {}).await;
    let third: Listing = world.post(&path, &owner.token, &third).await.json();
    assert_eq!((third.version, third.rows), (3, 2_000));
    let late = next(&world, &owner, &append.manifest, |manifest| manifest.rows += 1).await;
    assert_eq!(world.post(&path, &owner.token, &late).await.code(), "conflict");
}

#[actix_web::test]
async fn only_rows_can_be_appended_and_only_by_the_owner() {
    let world = World::new().await;
    let (owner, eve) = (world.register("owner").await, world.register("eve").await);
    let gate = world.enrol(&owner, "gate").await;
    let body = world.publication(&owner, &gate).await;
    let listing: Listing = world.post("/v1/listings", &owner.token, &body).await.json();
    let path = format!("/v1/listings/{}/versions", listing.id);
    let refused = async |change: &dyn Fn(&mut Manifest)| {
        let append = next(&world, &owner, &body.manifest, change).await;
        let reply = world.post(&path, &owner.token, &append).await;
        (reply.code(), reply.text())
    };
    let conflict = async |change: &dyn Fn(&mut Manifest), why: &str| {
        let (code, text) = refused(change).await;
        assert_eq!(code, "conflict", "{text}");
        assert!(text.contains(why), "{text}");
    };
    conflict(&|manifest| manifest.previous = Some(manifest.root), "does not follow").await;
    conflict(&|manifest| manifest.version = 3, "does not follow").await;
    conflict(&|manifest| manifest.schema.columns[0].description.push('x'), "schema").await;
    conflict(&|manifest| manifest.rows = 1_000, "no more rows").await;
    conflict(&|manifest| manifest.rollup.as_mut().expect("published").limb_bits -= 1, "aggregates").await;
    let other = listing.lineage.uuid().as_u128() + 1;
    conflict(&|manifest| manifest.lineage = LineageId::new(Uuid::from_u128(other)), "lineage").await;
    assert_eq!(refused(&|manifest| manifest.root = manifest.objects[0].digest).await.0, "bad_manifest");

    let good = next(&world, &owner, &body.manifest, |_| {}).await;
    let mut changed = good.clone();
    changed.manifest.body.rows += 1;
    assert_eq!(world.post(&path, &owner.token, &changed).await.code(), "bad_signature");
    // A stranger does not learn that the listing exists, whatever he signs.
    let stolen = Append { manifest: eve.key.sign(good.manifest.body.clone()).expect("signed") };
    assert_eq!(world.post(&path, &eve.token, &stolen).await.code(), "not_found");
    assert_eq!(world.post(&path, &eve.token, &good).await.code(), "bad_signature");
    assert_eq!(world.post(&path, "", &good).await.code(), "unauthenticated");
    assert_eq!(world.post(&path, &gate.secret, &good).await.code(), "forbidden");
    let nowhere = "/v1/listings/lst_00000000000000000000000000000000/versions";
    assert_eq!(world.post(nowhere, &owner.token, &good).await.code(), "not_found");
    let unsent = resign(&owner, &good.manifest, |manifest| {
        let missing = merkle::root(&[]);
        manifest.objects[0].digest = missing;
        let rollup = manifest.rollup.as_mut().expect("published");
        rollup.segments[0] = missing;
        manifest.root = merkle::root(&rollup.segments);
    });
    let reply = world.post(&path, &owner.token, &Append { manifest: unsent }).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::CONFLICT, "missing_objects"));

    let withdraw = format!("/v1/listings/{}/withdraw", listing.id);
    let withdrawn: Listing = world.post(&withdraw, &owner.token, &()).await.json();
    assert_eq!((withdrawn.state, withdrawn.version), (ListingState::Withdrawn, 1));
    assert_eq!(world.post(&path, &owner.token, &good).await.code(), "conflict");
}
