//! Models for sale and the keys of their clients.

use bytes::Bytes;
use sordino_domain::models::ModelError;
use sordino_protocol::{
    api::{
        ListingState, Role,
        models::{ModelKind, ModelListing, PredictionQuota, ServedForm},
    },
    digest::Digest,
    ids::{AccountId, ModelId},
    money::{Amount, Currency},
    parameters::ParameterSet,
    predict::{InputEncoding, InputForm, Packing},
    schema::Schema,
};

use super::{on_each, world::*};
use crate::{Storage, StorageError, models::NewModel};

pub(super) const PER_SAMPLE: i64 = 3;

/// A model of `vendor` whose clients may have 20 samples a day, 10 at once.
pub(super) async fn new_model(storage: &Storage, vendor: AccountId) -> NewModel {
    let artefact = Bytes::from_static(b"the weights");
    let artefact = storage.objects().put_bytes(vendor, artefact, at(0)).await.expect("stored");
    let form = InputForm {
        parameter_set: ParameterSet::Predict4kV2,
        packing: Packing::Batch { inputs: vec![] },
        scores: 1,
    };
    let form = ServedForm {
        digest: Digest::from_bytes([1; 32]),
        program: Digest::from_bytes([2; 32]),
        form,
        rows: 4_096,
        key_bytes: 10,
        input_bytes: 10,
        most_input_bytes: 10,
        reveals: "nothing".to_owned(),
    };
    let listing = ModelListing {
        id: ModelId::new(id()),
        vendor,
        title: "A model".to_owned(),
        description: String::new(),
        state: ListingState::Active,
        kind: ModelKind::Sums,
        model: Digest::from_bytes([3; 32]),
        schema: Schema { table: "t".to_owned(), null_values: vec![], columns: vec![] },
        encoding: InputEncoding::Edges,
        forms: vec![form],
        reading: serde_json::json!({"link": "sigmoid"}),
        price: Amount::minor(PER_SAMPLE),
        currency: Currency::EUR,
        quota: PredictionQuota { samples_per_request: 10, samples_per_day: 20 },
        created_at: at(0),
    };
    NewModel { listing, artefact, request: Digest::from_bytes([4; 32]) }
}

#[test]
fn a_model_is_offered_once_and_withdrawn_by_its_vendor_only() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let models = world.storage.models();
        let new = new_model(&world.storage, world.owner.id).await;
        let listing = models.publish(new.clone()).await.expect("offered");
        assert_eq!(listing, new.listing);
        let mut again = new.clone();
        again.listing.id = ModelId::new(id());
        assert_eq!(models.publish(again).await.expect("the same"), listing);
        let listed = models.list(10).await.expect("listed");
        assert_eq!(listed.as_slice(), std::slice::from_ref(&listing));
        let stored = models.get(listing.id).await.expect("found");
        assert_eq!((stored.listing, stored.artefact), (listing.clone(), new.artefact));

        let stranger = error(models.withdraw(world.buyer.id, listing.id).await);
        assert!(matches!(stranger, StorageError::NotFound { kind: "model", .. }), "{stranger:?}");
        for _ in 0..2 {
            let withdrawn = models.withdraw(world.owner.id, listing.id).await.expect("withdrawn");
            assert_eq!(withdrawn.state, ListingState::Withdrawn);
        }
        assert!(models.list(10).await.expect("listed").is_empty());
    });
}

#[test]
fn a_model_without_its_object_or_with_an_empty_quota_is_refused() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let models = world.storage.models();
        let mut new = new_model(&world.storage, world.owner.id).await;
        new.artefact = Digest::from_bytes([9; 32]);
        let missing = error(models.publish(new).await);
        assert!(matches!(missing, StorageError::MissingObjects(_)), "{missing:?}");
        let mut new = new_model(&world.storage, world.owner.id).await;
        new.listing.quota.samples_per_request = 0;
        let empty = error(models.publish(new).await);
        assert!(matches!(empty, StorageError::Model(ModelError::Quota)), "{empty:?}");
    });
}

#[test]
fn keys_belong_to_who_sent_them() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let keys = world.storage.client_keys();
        let set = ParameterSet::Predict4kV2;
        let bytes = Bytes::from_static(b"public keys");
        let other = account(&world.storage, "other@example.org", Role::Member).await;
        let digest = world.storage.objects().put_bytes(world.buyer.id, bytes, at(1)).await.expect("stored");
        for _ in 0..2 {
            let found = keys.register(world.buyer.id, digest, set, at(2)).await.expect("registered");
            assert_eq!((found.digest, found.parameter_set, found.bytes), (digest, set, 11));
        }
        let not_sent = error(keys.register(other.id, digest, set, at(2)).await);
        assert!(matches!(not_sent, StorageError::MissingObjects(_)), "{not_sent:?}");
        let not_his = error(keys.get(other.id, digest).await);
        assert!(matches!(not_his, StorageError::NotFound { kind: "client keys", .. }), "{not_his:?}");
        assert_eq!(keys.get(world.buyer.id, digest).await.expect("found").created_at, at(2));
    });
}
