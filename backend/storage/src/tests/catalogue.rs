//! Listings and their versions.

use bytes::Bytes;
use sordino_domain::listings::ListingError;
use sordino_protocol::{
    api::{ListingState, Role},
    digest::{Digest, Purpose},
    ids::LineageId,
};

use super::{on_each, world::*};
use crate::StorageError;

#[test]
fn a_listing_is_published_once_and_moves_through_its_versions() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let (listings, first) = (world.storage.listings(), &world.listing);
        assert_eq!(listings.get(first.id).await.expect("found"), *first);
        assert_eq!(listings.list(10).await.expect("no error"), std::slice::from_ref(first));
        let stored = listings.manifest(first.id).await.expect("found");
        let again = new_listing(&world.gate, stored.body.clone());
        assert_eq!(listings.publish(world.owner.id, again, at(9)).await.expect("the same"), *first);

        let chunk = Bytes::from_static(b"more");
        let next = manifest(first.lineage, 2, Some(first.dataset), std::slice::from_ref(&chunk));
        let new = new_listing(&world.gate, next);
        let missing = error(listings.publish(world.owner.id, new.clone(), at(10)).await);
        assert!(matches!(missing, StorageError::MissingObjects(list) if list.len() == 1));
        world.storage.objects().put_bytes(world.owner.id, chunk, at(10)).await.expect("stored");
        let second = listings.publish(world.owner.id, new, at(11)).await.expect("published");
        assert_eq!((second.id, second.version, second.created_at), (first.id, 2, first.created_at));
        assert_ne!(second.dataset, first.dataset);

        let stale = new_listing(&world.gate, manifest(first.lineage, 2, Some(first.dataset), &[]));
        let refused = error(listings.publish(world.owner.id, stale, at(12)).await);
        assert!(matches!(refused, StorageError::Listing(ListingError::NotNext { .. })), "{refused:?}");
    });
}

#[test]
fn only_what_is_the_owners_can_be_published() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let listings = world.storage.listings();
        let other = account(&db.storage, "other@example.org", Role::Member).await;
        let manifest_1 = manifest(LineageId::new(id()), 1, None, &[]);
        let refused = error(listings.publish(other.id, new_listing(&world.gate, manifest_1), at(1)).await);
        assert!(matches!(refused, StorageError::NotFound { kind: "gate", .. }), "{refused:?}");

        let gate = world.storage.gates().enrol(other.id, new_gate(8), at(1)).await.expect("enrolled");
        let theirs = listings.manifest(world.listing.id).await.expect("found").body;
        let refused = error(listings.publish(other.id, new_listing(&gate, theirs), at(1)).await);
        assert!(matches!(refused, StorageError::Conflict { kind: "dataset version", .. }), "{refused:?}");
        let hijack = manifest(world.listing.lineage, 2, Some(world.listing.dataset), &[]);
        let refused = error(listings.publish(other.id, new_listing(&gate, hijack), at(1)).await);
        assert!(matches!(refused, StorageError::Conflict { kind: "lineage", .. }), "{refused:?}");
        // Another owner's object does not count, though its bytes are there.
        let borrowed = manifest(LineageId::new(id()), 1, None, &[Bytes::from_static(b"chunk")]);
        let refused = error(listings.publish(other.id, new_listing(&gate, borrowed), at(1)).await);
        assert!(matches!(refused, StorageError::MissingObjects(_)), "{refused:?}");

        let mut wrong = manifest(LineageId::new(id()), 1, None, &[Bytes::from_static(b"chunk")]);
        wrong.objects[0].bytes = 6;
        let refused = error(listings.publish(world.owner.id, new_listing(&world.gate, wrong), at(1)).await);
        let object = Digest::of(Purpose::Object, b"chunk");
        assert!(
            matches!(refused, StorageError::LengthMismatch { object: of, stated: 6, stored: 5 } if of == object),
            "{refused:?}"
        );
    });
}

#[test]
fn a_withdrawn_listing_takes_no_jobs() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 1_000).await;
        let quote = world.quote(world.buyer.id, 600).await;
        let listings = world.storage.listings();
        let stranger = listings.withdraw(world.buyer.id, world.listing.id).await;
        assert!(matches!(error(stranger), StorageError::NotFound { .. }));
        for _ in 0..2 {
            let withdrawn = listings.withdraw(world.owner.id, world.listing.id).await.expect("withdrawn");
            assert_eq!(withdrawn.state, ListingState::Withdrawn);
        }
        assert_eq!(listings.list(10).await.expect("no error"), []);
        let refused = world.storage.jobs().accept(world.buyer.id, world.acceptance(&quote), at(2)).await;
        assert!(matches!(error(refused), StorageError::Listing(ListingError::Withdrawn(_))));
        assert_eq!(world.balance(world.buyer.id).await, [1_000, 0, 0]);
    });
}
