//! Predictions: paid once, by quota, or not at all.

use bytes::Bytes;
use sea_orm::ConnectionTrait;
use sordino_domain::{models::ModelError, pricing::BasisPoints};
use sordino_protocol::{
    api::{Role, models::ModelListing},
    digest::Digest,
    ids::{AccountId, PredictionId},
    money::{Amount, Currency},
    parameters::ParameterSet,
    receipt::PredictionReceipt,
};

use super::{
    models::{PER_SAMPLE, new_model},
    on_each,
    world::*,
};
use crate::{StorageError, predictions::Delivery};

async fn listed(world: &World) -> ModelListing {
    let new = new_model(&world.storage, world.owner.id).await;
    world.storage.models().publish(new).await.expect("offered")
}

/// What the platform has after evaluating `samples` rows for `client`.
async fn delivery(world: &World, listing: &ModelListing, client: AccountId, samples: u32) -> Delivery {
    let outputs = Bytes::from(format!("scores {}", id()));
    let outputs = world.storage.objects().put_bytes(client, outputs, at(2)).await.expect("stored");
    let receipt = PredictionReceipt {
        prediction: PredictionId::new(id()),
        client,
        listing: listing.id,
        model: listing.model,
        program: listing.forms[0].program,
        parameter_set: ParameterSet::Predict4kV2,
        keys: Digest::from_bytes([5; 32]),
        inputs: Digest::from_bytes([6; 32]),
        outputs,
        samples,
        price: listing.price_of(samples).expect("fits"),
        currency: Currency::EUR,
        evaluate_ms: 3,
        evaluated_at: at(2),
    };
    Delivery {
        request: Digest::from_bytes([7; 32]),
        receipt: key(9).sign(receipt).expect("canonical"),
        fee: BasisPoints::parse(1_000).expect("a share"),
        key: id().to_string().parse().expect("a key"),
    }
}

#[test]
fn a_prediction_is_paid_once_and_its_parties_see_it() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 100).await;
        let (listing, predictions) = (listed(&world).await, world.storage.predictions());
        let delivery = delivery(&world, &listing, world.buyer.id, 7).await;
        let before = predictions.before(world.buyer.id, &delivery.key, delivery.request).await;
        assert_eq!(before.expect("no error"), None);
        let first = predictions.deliver(world.buyer.id, delivery.clone(), at(3)).await.expect("delivered");
        for _ in 0..2 {
            let again = predictions.deliver(world.buyer.id, delivery.clone(), at(4)).await;
            assert_eq!(again.expect("the same"), first);
        }
        let before = predictions.before(world.buyer.id, &delivery.key, delivery.request).await;
        assert_eq!(before.expect("no error"), Some(first.clone()));
        let other = predictions.before(world.buyer.id, &delivery.key, Digest::from_bytes([8; 32])).await;
        assert!(matches!(error(other), StorageError::IdempotencyMismatch));

        // 21 cents, of which a tenth rounded down is the platform's.
        assert_eq!(world.balance(world.buyer.id).await, [79, 0, 0]);
        assert_eq!(world.balance(world.owner.id).await, [0, 0, 19]);
        let statement = world.storage.ledger().statement(world.buyer.id, 10).await.expect("a statement");
        assert_eq!(statement[0].memo, format!("7 predictions of {}", listing.id));
        for party in [world.buyer.id, world.owner.id] {
            assert_eq!(predictions.get(party, first.id).await.expect("his"), first);
        }
        let stranger = account(&world.storage, "stranger@example.org", Role::Member).await;
        assert!(predictions.get(stranger.id, first.id).await.is_err());
        assert!(predictions.output(world.owner.id, first.id).await.is_err(), "scores are the buyer's");
        let outputs = predictions.output(world.buyer.id, first.id).await.expect("his");
        assert_eq!(outputs, first.receipt.body.outputs);
        assert_clean(&world.storage).await;
    });
}

#[test]
fn what_is_refused_costs_and_counts_nothing() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let (listing, predictions) = (listed(&world).await, world.storage.predictions());
        let buyer = world.buyer.id;
        let poor = delivery(&world, &listing, buyer, 10).await;
        let refused = error(predictions.deliver(buyer, poor.clone(), at(3)).await);
        assert!(matches!(refused, StorageError::InsufficientBalance { .. }), "{refused:?}");
        world.top_up(buyer, 1_000).await;
        // Neither the key nor the samples were used up.
        predictions.deliver(buyer, poor, at(3)).await.expect("delivered");
        predictions.check_quota(buyer, &listing, 10, at(3)).await.expect("ten are left");

        let mut cheap = delivery(&world, &listing, buyer, 1).await;
        cheap.receipt.body.price = Amount::minor(PER_SAMPLE - 1);
        let refused = error(predictions.deliver(buyer, cheap, at(3)).await);
        assert!(matches!(refused, StorageError::Model(ModelError::Price { .. })), "{refused:?}");
        let mut other = delivery(&world, &listing, buyer, 1).await;
        other.receipt.body.program = Digest::from_bytes([8; 32]);
        let refused = error(predictions.deliver(buyer, other, at(3)).await);
        assert!(matches!(refused, StorageError::Conflict { .. }), "{refused:?}");
        let mut lost = delivery(&world, &listing, buyer, 1).await;
        lost.receipt.body.outputs = Digest::from_bytes([8; 32]);
        let refused = error(predictions.deliver(buyer, lost, at(3)).await);
        assert!(matches!(refused, StorageError::MissingObjects(_)), "{refused:?}");

        let late = delivery(&world, &listing, buyer, 1).await;
        world.storage.models().withdraw(world.owner.id, listing.id).await.expect("withdrawn");
        let refused = error(predictions.deliver(buyer, late, at(3)).await);
        assert!(matches!(refused, StorageError::Model(ModelError::Withdrawn(_))), "{refused:?}");
        assert_eq!(world.balance(buyer).await, [1_000 - 10 * PER_SAMPLE, 0, 0]);
        assert_clean(&world.storage).await;
    });
}

#[test]
fn a_quota_holds_for_requests_at_the_same_time_and_ends_with_the_day() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 10_000).await;
        let (listing, other) = (listed(&world).await, db.again().await);
        let buyer = world.buyer.id;
        let mut tasks = tokio::task::JoinSet::new();
        for at_once in 0..6 {
            let delivery = delivery(&world, &listing, buyer, 6).await;
            let storage = if at_once % 2 == 0 { world.storage.clone() } else { other.clone() };
            tasks.spawn(async move { storage.predictions().deliver(buyer, delivery, at(3)).await });
        }
        let (delivered, refused): (Vec<_>, Vec<_>) =
            tasks.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!((delivered.len(), refused.len()), (3, 3), "three times six of twenty");
        for outcome in refused {
            let error = error(outcome);
            let StorageError::Model(ModelError::Exhausted { used, limit, samples, retry_after_s }) = error
            else {
                panic!("{error:?}");
            };
            assert_eq!((used, limit, samples), (18, 20, 6));
            assert!((1..=86_400).contains(&retry_after_s));
            let tomorrow = at(3 + i64::try_from(retry_after_s).expect("fits"));
            world.storage.predictions().check_quota(buyer, &listing, 20, tomorrow).await.expect("a new day");
        }
        // Two are left, and another client has his own.
        let rest = delivery(&world, &listing, buyer, 2).await;
        other.predictions().deliver(buyer, rest, at(4)).await.expect("delivered");
        let client = account(&world.storage, "client@example.org", Role::Member).await;
        world.storage.predictions().check_quota(client.id, &listing, 20, at(4)).await.expect("his own");
        assert_eq!(world.balance(buyer).await, [10_000 - 20 * PER_SAMPLE, 0, 0]);
        assert_clean(&world.storage).await;
    });
}

#[test]
fn what_is_free_moves_nothing_and_what_was_delivered_never_changes() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let mut new = new_model(&world.storage, world.owner.id).await;
        new.listing.price = Amount::ZERO;
        let listing = world.storage.models().publish(new).await.expect("offered");
        let free = delivery(&world, &listing, world.buyer.id, 2).await;
        world.storage.predictions().deliver(world.buyer.id, free, at(3)).await.expect("delivered");
        assert_eq!(world.balance(world.buyer.id).await, [0, 0, 0]);
        let connection = world.storage.writer();
        for statement in [
            "update predictions set price = 1, payment = 'x'",
            "update predictions set samples = 1",
            "delete from predictions",
        ] {
            assert!(connection.execute_unprepared(statement).await.is_err(), "{statement}");
        }
        assert_clean(&world.storage).await;
    });
}
