//! The ledger.

use std::collections::HashSet;

use sea_orm::ConnectionTrait;
use sordino_domain::ledger::LedgerError;
use sordino_protocol::{
    api::LedgerKind,
    digest::Digest,
    ids::{AccountId, TransactionId},
    money::{Amount, Currency},
};

use super::{on_each, world::*};
use crate::{StorageError, ledger::Credit};

fn credit(account: AccountId, amount: i64) -> Credit {
    Credit {
        transaction: TransactionId::new(id()),
        account,
        amount: Amount::minor(amount),
        currency: Currency::EUR,
        memo: "transfer 7".to_owned(),
        key: "key-1".parse().expect("a key"),
        request: Digest::from_bytes([7; 32]),
    }
}

#[test]
fn a_top_up_is_credited_once() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let ledger = world.storage.ledger();
        for _ in 0..3 {
            let balance = ledger.top_up(world.operator.id, credit(world.buyer.id, 500), at(1)).await;
            assert_eq!(balance.expect("credited").prepaid, Amount::minor(500));
        }
        let other = Credit { request: Digest::from_bytes([8; 32]), ..credit(world.buyer.id, 501) };
        let refused = error(ledger.top_up(world.operator.id, other, at(2)).await);
        assert!(matches!(refused, StorageError::IdempotencyMismatch));
        // A key is its account's own, and one whose request failed may be used again.
        let negative = error(ledger.top_up(world.owner.id, credit(world.buyer.id, -1), at(2)).await);
        assert!(
            matches!(negative, StorageError::LedgerRule(LedgerError::NotPositive { .. })),
            "{negative:?}"
        );
        let nobody = error(ledger.top_up(world.owner.id, credit(AccountId::new(id()), 1), at(2)).await);
        assert!(matches!(nobody, StorageError::NotFound { kind: "account", .. }), "{nobody:?}");
        ledger.top_up(world.owner.id, credit(world.buyer.id, 1), at(2)).await.expect("another account's key");
        let statement = ledger.statement(world.buyer.id, 10).await.expect("no error");
        let amounts: Vec<i64> = statement.iter().map(|entry| entry.amount.as_minor()).collect();
        assert_eq!(amounts, [1, 500]);
        assert_eq!(
            (statement[1].memo.as_str(), statement[1].ledger),
            ("transfer 7", LedgerKind::BuyerPrepaid)
        );
        assert_clean(&world.storage).await;
    });
}

#[test]
fn nobody_spends_what_he_does_not_have() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, PRICE * 3 + 1).await;
        let other = db.again().await;
        let mut tasks = tokio::task::JoinSet::new();
        for at_once in 0..8 {
            let quote = world.quote(world.buyer.id, 600).await;
            let accept = world.acceptance(&quote);
            let storage = if at_once % 2 == 0 { world.storage.clone() } else { other.clone() };
            let buyer = world.buyer.id;
            tasks.spawn(async move { storage.jobs().accept(buyer, accept, at(2)).await });
        }
        let (accepted, refused): (Vec<_>, Vec<_>) =
            tasks.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!((accepted.len(), refused.len()), (3, 5));
        for outcome in refused {
            let error = error(outcome);
            assert!(
                matches!(error, StorageError::InsufficientBalance { needed, .. } if needed == Amount::minor(PRICE))
            );
        }
        let ids: HashSet<_> = accepted.into_iter().map(|job| job.expect("accepted").id).collect();
        assert_eq!(ids.len(), 3);
        assert_eq!(world.balance(world.buyer.id).await, [1, 3 * PRICE, 0]);
        assert_clean(&world.storage).await;
    });
}

#[test]
fn the_database_itself_refuses_to_falsify() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 1_000).await;
        let (_, request) = world.evaluated().await;
        world.storage.releases().decide(world.gate.id, &release(&request), at(6)).await.expect("taken");
        let connection = world.storage.writer();
        for statement in [
            "update ledger_entries set amount = amount + 1",
            "delete from ledger_entries",
            "update ledger_transactions set memo = 'x'",
            "delete from ledger_transactions",
            "update usage_records set price = 0",
            "delete from usage_records",
            "update holds set state = 'voided'",
            "delete from holds",
            "update balances set amount = -1 where kind = 'buyer_prepaid'",
            "update jobs set state = 'running'",
            "update jobs set done = total + 1",
            "insert into holds select 'x', job, buyer, owner, amount, currency, fee, 'held', created_at, null from holds",
            "insert into releases select 'x', job, gate, outputs, 'pending', null, created_at, null from releases",
        ] {
            let outcome = connection.execute_unprepared(statement).await;
            assert!(outcome.is_err(), "{statement}");
        }
        assert_clean(&world.storage).await;
    });
}

#[test]
fn the_audit_finds_what_is_wrong() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 1_000).await;
        world.accepted().await;
        assert_clean(&world.storage).await;
        let connection = world.storage.writer();
        for statement in [
            "update balances set amount = amount + 1 where kind = 'buyer_prepaid'",
            "insert into ledger_entries select id, 9, 'platform', 'platform_revenue', 5, 'EUR'
             from ledger_transactions where job is null",
            "update jobs set state = 'failed'",
        ] {
            connection.execute_unprepared(statement).await.expect(statement);
        }
        let audit = world.storage.ledger().audit().await.expect("an audit");
        let found: HashSet<&str> = audit.findings.iter().map(|finding| finding.what).collect();
        let expected = HashSet::from([
            "a transaction does not add up to zero",
            "a balance is not the sum of its entries",
            "entries have no balance",
            "a hold does not fit its job's state",
        ]);
        assert_eq!(found, expected);
    });
}
