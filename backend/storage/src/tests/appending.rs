//! Versions that append rows to a listing.

use bytes::Bytes;
use sordino_domain::listings::{Listing, ListingError};
use sordino_protocol::{
    api::{JobState, Role},
    canonical::Canonical,
    digest::{Digest, Purpose},
    ids::LineageId,
    manifest::Manifest,
    signature::Signed,
};

use super::{on_each, world::*};
use crate::StorageError;

/// Ten more rows after `before`, in an object that has yet to be uploaded.
fn next(before: &Manifest, object: &'static str) -> Signed<Manifest> {
    let previous = before.digest().expect("canonical");
    let new = manifest(
        before.lineage,
        before.version + 1,
        Some(previous),
        &[Bytes::from_static(object.as_bytes())],
    );
    let mut objects = before.objects.clone();
    objects.extend(new.objects);
    let manifest = Manifest { rows: before.rows + 10, objects, ..new };
    key(1).sign(manifest).expect("canonical")
}

async fn upload(world: &World, object: &'static str) {
    let bytes = Bytes::from_static(object.as_bytes());
    world.storage.objects().put_bytes(world.owner.id, bytes, at(9)).await.expect("stored");
}

/// The manifest of the current version.
async fn current(world: &World) -> Manifest {
    world.storage.listings().manifest(world.listing.id).await.expect("found").body
}

#[test]
fn an_appended_version_takes_over_and_what_was_sold_of_the_old_one_stays() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 1_000).await;
        let (first, listings) = (&world.listing, world.storage.listings());
        let before = current(&world).await;
        let (job, quote) = (world.accepted().await, world.quote(world.buyer.id, 600).await);
        let second = next(&before, "more");

        // The upload was interrupted: the old version stays until the object is there.
        let missing = error(listings.append(world.owner.id, first.id, second.clone(), at(10)).await);
        let wanted = Digest::of(Purpose::Object, b"more");
        assert!(matches!(&missing, StorageError::MissingObjects(list) if *list == [wanted]), "{missing:?}");
        assert_eq!(listings.get(first.id).await.expect("found"), *first);
        upload(&world, "more").await;
        // Repeated, as after a lost reply, and by another process, it is the same.
        for storage in [world.storage.clone(), db.again().await] {
            let appended = storage.listings().append(world.owner.id, first.id, second.clone(), at(11)).await;
            let expected = Listing {
                version: 2,
                dataset: second.body.digest().expect("canonical"),
                rows: first.rows + 10,
                bytes: first.bytes + 4,
                ..first.clone()
            };
            assert_eq!(appended.expect("appended"), expected, "on the same terms");
            assert_eq!(storage.listings().get(first.id).await.expect("found"), expected);
            assert_eq!(storage.listings().manifest(first.id).await.expect("found"), second);
        }

        let late = world.storage.jobs().accept(world.buyer.id, world.acceptance(&quote), at(12)).await;
        for sold in [job, late.expect("it was quoted before")] {
            let lease = lease(60);
            let leased =
                world.storage.jobs().acquire(&lease, at(13)).await.expect("no error").expect("a job");
            assert_eq!((leased.job.id, leased.job.dataset), (sold.id, first.dataset));
            assert_eq!(leased.manifest.body, before, "the version that was paid for");
            let finished = world.finished(&leased).await;
            world.storage.jobs().complete(sold.id, lease.token, finished, at(14)).await.expect("completed");
            let requests = world.storage.releases().pending(world.gate.id, 10).await.expect("no error");
            let decision = release(requests.iter().find(|request| request.job == sold.id).expect("asked"));
            let job = world.storage.releases().decide(world.gate.id, &decision, at(15)).await;
            assert_eq!(job.expect("decided").state(), JobState::Released);
        }
        assert_clean(&world.storage).await;

        // A third version follows the second; another second one is too late.
        upload(&world, "and more").await;
        let late = next(&before, "and more");
        let refused = error(listings.append(world.owner.id, first.id, late, at(16)).await);
        assert!(
            matches!(refused, StorageError::Listing(ListingError::NotNext { version: 2, current: 2, .. })),
            "{refused:?}"
        );
        let third = next(&second.body, "and more");
        let third = listings.append(world.owner.id, first.id, third, at(17)).await.expect("appended");
        assert_eq!((third.version, third.rows, third.bytes), (3, first.rows + 20, first.bytes + 12));
        let again = listings.append(world.owner.id, first.id, second, at(18)).await.expect("known");
        assert_eq!(again, third, "an old version that is sent again changes nothing");
    });
}

#[test]
fn only_the_owner_appends_and_only_rows() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let (first, listings) = (&world.listing, world.storage.listings());
        let before = current(&world).await;
        upload(&world, "more").await;
        let good = next(&before, "more");
        let refused = async |change: &dyn Fn(&mut Manifest)| {
            let mut manifest = good.body.clone();
            change(&mut manifest);
            let manifest = key(1).sign(manifest).expect("canonical");
            error(listings.append(world.owner.id, first.id, manifest, at(10)).await)
        };
        let fewer = refused(&|manifest| manifest.rows = 10).await;
        assert!(matches!(fewer, StorageError::Listing(ListingError::NotAppended(_))), "{fewer:?}");
        let renamed = refused(&|manifest| manifest.schema.table.push('x')).await;
        assert!(matches!(renamed, StorageError::Listing(ListingError::NotAppended(_))), "{renamed:?}");
        let other = refused(&|manifest| manifest.lineage = LineageId::new(id())).await;
        assert!(matches!(other, StorageError::Listing(ListingError::OtherLineage { .. })), "{other:?}");
        let skipped = refused(&|manifest| manifest.version = 3).await;
        assert!(matches!(skipped, StorageError::Listing(ListingError::NotNext { .. })), "{skipped:?}");
        let long = refused(&|manifest| manifest.objects[1].bytes = 5).await;
        assert!(matches!(long, StorageError::LengthMismatch { stated: 5, stored: 4, .. }), "{long:?}");

        let stranger = account(&db.storage, "other@example.org", Role::Member).await;
        let theirs = error(listings.append(stranger.id, first.id, good.clone(), at(11)).await);
        assert!(matches!(theirs, StorageError::NotFound { kind: "listing", .. }), "{theirs:?}");
        listings.withdraw(world.owner.id, first.id).await.expect("withdrawn");
        let withdrawn = error(listings.append(world.owner.id, first.id, good, at(12)).await);
        assert!(matches!(withdrawn, StorageError::Listing(ListingError::Withdrawn(_))), "{withdrawn:?}");
        assert_eq!(current(&world).await, before);
    });
}

#[test]
fn of_two_versions_at_once_one_is_appended() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let (one, other) = (&world.storage, db.again().await);
        let (owner, listing) = (world.owner.id, world.listing.id);
        for object in ["this", "that"] {
            upload(&world, object).await;
        }
        for round in 0..8 {
            let before = current(&world).await;
            let (this, that) = (next(&before, "this"), next(&before, "that"));
            let (first, second) = tokio::join!(
                one.listings().append(owner, listing, this, at(20 + round)),
                other.listings().append(owner, listing, that, at(20 + round)),
            );
            let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
            assert_eq!(won.expect("one of them").version, before.version + 1);
            let lost = error(lost);
            assert!(matches!(lost, StorageError::Listing(ListingError::NotNext { .. })), "{lost:?}");

            // The same version at once is appended once, and both are told so.
            let before = current(&world).await;
            let same = next(&before, "this");
            let (first, second) = tokio::join!(
                one.listings().append(owner, listing, same.clone(), at(30 + round)),
                other.listings().append(owner, listing, same, at(30 + round)),
            );
            let (first, second) = (first.expect("appended"), second.expect("appended"));
            assert_eq!((first.version, &first), (before.version + 1, &second));
        }
    });
}
