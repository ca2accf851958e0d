//! Random histories keep every sum at zero and every balance at zero or more.

use std::collections::HashMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::pricing::BasisPoints;

type Balances = HashMap<(Holder, LedgerKind), i64>;

#[derive(Debug, Clone)]
enum Step {
    TopUp(i64),
    Hold { amount: i64, fee: u32 },
    Capture(usize),
    Void(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1i64..10_000).prop_map(Step::TopUp),
        (0i64..5_000, 0u32..=10_000).prop_map(|(amount, fee)| Step::Hold { amount, fee }),
        any::<usize>().prop_map(Step::Capture),
        any::<usize>().prop_map(Step::Void),
    ];
    proptest::collection::vec(step, 0..60)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("in range")
}

fn account(number: u128) -> AccountId {
    AccountId::new(Uuid::from_u128(number))
}

fn new_hold(number: u128, amount: i64, fee: u32) -> Hold {
    let job = JobId::new(Uuid::from_u128(number << 40));
    Hold {
        id: hold_id(job),
        job,
        buyer: account(1),
        owner: account(2),
        amount: Amount::minor(amount),
        currency: Currency::EUR,
        fee: BasisPoints::parse(fee).expect("in range"),
        state: HoldState::Held,
        resolved_at: None,
    }
}

fn head(number: u128) -> Head {
    Head { id: TransactionId::new(Uuid::from_u128(number)), memo: String::new(), job: None, at: now() }
}

/// Adds a transaction to the balances; refuses it when one would become negative that must not.
fn post(balances: &mut Balances, transaction: &Transaction) -> bool {
    let mut next = balances.clone();
    for entry in transaction.entries() {
        *next.entry((entry.holder, entry.kind)).or_default() += entry.amount.as_minor();
    }
    if next.iter().any(|((_, kind), sum)| *sum < 0 && !may_be_negative(*kind)) {
        return false;
    }
    *balances = next;
    true
}

proptest! {
    #[test]
    fn every_history_balances(steps in steps()) {
        let (mut balances, mut holds, mut topped) = (Balances::new(), Vec::<Hold>::new(), 0);
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::TopUp(amount) => {
                    let paid = top_up(head(number as u128), account(1), Amount::minor(amount), Currency::EUR);
                    prop_assert!(post(&mut balances, &paid.expect("positive")));
                    topped += amount;
                }
                Step::Hold { amount, fee } => {
                    let held = new_hold(number as u128, amount, fee);
                    if post(&mut balances, &hold(&held, now()).expect("not negative")) {
                        holds.push(held);
                    }
                }
                Step::Capture(at) if !holds.is_empty() => {
                    let at = at % holds.len();
                    let first = holds[at].state == HoldState::Held;
                    prop_assert_eq!(holds[at].capture(now()).is_ok(), first);
                    if first {
                        prop_assert!(post(&mut balances, &capture(&holds[at], now()).expect("fits")));
                    }
                }
                Step::Void(at) if !holds.is_empty() => {
                    let at = at % holds.len();
                    let first = holds[at].state == HoldState::Held;
                    prop_assert_eq!(holds[at].void(now()).is_ok(), first);
                    if first {
                        prop_assert!(post(&mut balances, &void(&holds[at], now()).expect("fits")));
                    }
                }
                Step::Capture(_) | Step::Void(_) => {}
            }
            prop_assert_eq!(balances.values().sum::<i64>(), 0);
        }
        let held: i64 = holds.iter().filter(|h| h.state == HoldState::Held).map(|h| h.amount.as_minor()).sum();
        let spent: i64 =
            holds.iter().filter(|h| h.state == HoldState::Captured).map(|h| h.amount.as_minor()).sum();
        let of = |kind| balances.get(&(Holder::Account(account(1)), kind)).copied().unwrap_or_default();
        prop_assert_eq!(of(LedgerKind::BuyerHold), held);
        prop_assert_eq!(of(LedgerKind::BuyerPrepaid), topped - held - spent);
    }
}

#[test]
fn what_does_not_balance_is_no_transaction() {
    let entry =
        |holder, kind, amount| Entry { holder, kind, amount: Amount::minor(amount), currency: Currency::EUR };
    let buyer = Holder::Account(account(1));
    let unbalanced = [
        entry(buyer, LedgerKind::BuyerPrepaid, 5),
        entry(Holder::Platform, LedgerKind::ProcessorClearing, -4),
    ];
    assert!(matches!(Transaction::new(head(1), unbalanced), Err(LedgerError::Unbalanced { .. })));
    let usd = Entry { currency: "USD".parse().expect("a currency"), ..unbalanced[0] };
    let crossed = [usd, entry(Holder::Platform, LedgerKind::ProcessorClearing, -5)];
    assert!(matches!(Transaction::new(head(1), crossed), Err(LedgerError::Unbalanced { .. })));
    let foreign =
        [entry(buyer, LedgerKind::PlatformRevenue, 0), entry(buyer, LedgerKind::PlatformRevenue, 1)];
    assert!(matches!(Transaction::new(head(1), foreign), Err(LedgerError::Holder { .. })));
    let huge = [entry(buyer, LedgerKind::BuyerPrepaid, i64::MAX), entry(buyer, LedgerKind::BuyerHold, 1)];
    assert!(matches!(Transaction::new(head(1), huge), Err(LedgerError::Overflow { .. })));
}

#[test]
fn nothing_and_less_than_nothing() {
    assert!(top_up(head(1), account(1), Amount::ZERO, Currency::EUR).is_err());
    assert!(hold(&new_hold(1, -1, 0), now()).is_err());
    assert_eq!(hold(&new_hold(1, 0, 0), now()).expect("free of charge").entries(), []);
}

#[test]
fn ids_of_movements_differ_and_are_stable() {
    let job = JobId::new(Uuid::from_u128(5));
    let ids = [Movement::Hold, Movement::Capture, Movement::Void].map(|m| job_transaction(job, m));
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert_eq!(ids[0], job_transaction(job, Movement::Hold));
    assert_ne!(ids[0], job_transaction(JobId::new(Uuid::from_u128(6)), Movement::Hold));
}
