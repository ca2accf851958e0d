//! The gate against a platform that plays by the rules and several that do not. Objects come from the
//! cache, so nothing is sent anywhere.

use std::sync::OnceLock;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sordino_fhe::{
    error::SourceError,
    progress::Silent,
    rollup::{self, Aggregator, SegmentSource},
};
use sordino_protocol::{
    answer::Answer,
    canonical::Canonical,
    coded::CodedTable,
    cost::OperationCounts,
    digest::{Digest, Purpose},
    ids::{AccountId, JobId, LineageId, ListingId, QuoteId},
    layout::LayoutKind,
    layout_plan::{self, RollupBudget},
    lower,
    manifest::{Manifest, ObjectRef},
    merkle,
    money::{Amount, Currency},
    plaintext,
    policy::{Epsilon, Noise, Policy},
    predicate::{CodeSet, Predicate},
    program::Program,
    query::{Branch, Class, Expression, GroupKey, LabelKind, Monomial, Output, Query, Rank, Value},
    quote::{Acceptance, Quote},
    receipt::Receipt,
    release::HiddenModel,
    schema::{ColumnId, Schema},
    sealed::RecipientSecret,
    signature::SigningKey,
};
use uuid::Uuid;

mod hidden;
mod world;

use super::*;
use crate::api::Retry;
use world::*;

#[tokio::test]
async fn an_answer_is_exact_and_small_groups_are_suppressed() {
    let world = World::new(exact());
    let gate = world.gate().await;
    let query = world.by_class();
    let decision = gate.decide(&world.request(1, query.clone())).await.expect("decided");
    decision.decision.verify(&keys().gate.verifying_key()).expect("signed by the gate");
    let answer = world.open(&decision);
    let expected = plaintext::evaluate(&world.manifest.schema, &query, &table(&world.manifest.schema));
    for (group, expected) in answer.groups.iter().zip(&expected) {
        assert_eq!(group.key, expected.key);
        let all = expected.values.iter().copied().map(Some).collect();
        assert_eq!(group.values, (expected.rows >= 5).then_some(all));
    }
    assert_eq!(answer.groups.iter().filter(|group| group.values.is_none()).count(), 1, "class rare");
    assert!(matches!(
        decision.decision.body.outcome,
        Outcome::Released { reevaluated: true, epsilon: Epsilon::ZERO, .. }
    ));
}

#[tokio::test]
async fn a_replay_gets_the_same_bytes_even_after_a_crash() {
    let world = World::new(noisy(10));
    let request = world.request(1, world.by_class());
    let gate = world.gate().await;
    let first = serde_json::to_vec(&gate.decide(&request).await.expect("decided")).expect("written");
    let again = serde_json::to_vec(&gate.decide(&request).await.expect("decided")).expect("written");
    assert_eq!(first, again);
    // The process ends between persisting and sending.
    drop(gate);
    let gate = world.gate().await;
    let pending = gate.journal.undelivered().await.expect("read");
    assert_eq!(pending.len(), 1);
    assert_eq!(serde_json::to_vec(&pending[0]).expect("written"), first);
    let replayed = serde_json::to_vec(&gate.decide(&request).await.expect("decided")).expect("written");
    assert_eq!(first, replayed);
    assert_eq!(gate.journal.spent(world.manifest.lineage).await.expect("read"), Epsilon::millionths(500_000));
    gate.journal.delivered(request.id).await.expect("marked");
    assert!(gate.journal.undelivered().await.expect("read").is_empty());
}

#[tokio::test]
async fn the_same_question_gets_the_same_noised_answer_at_no_further_cost() {
    let world = World::new(noisy(2));
    let gate = world.gate().await;
    let ask = |number| world.request(number, world.by_class());
    let first = gate.decide(&ask(1)).await.expect("decided");
    let second = gate.decide(&ask(2)).await.expect("decided");
    assert_eq!(world.open(&first), world.open(&second));
    assert_ne!(first.sealed, second.sealed, "sealed afresh");
    assert!(matches!(second.decision.body.outcome, Outcome::Released { epsilon: Epsilon::ZERO, .. }));
    assert!(world.open(&first).noise.iter().all(|scale| *scale > 0.0));
    assert_eq!(gate.journal.spent(world.manifest.lineage).await.expect("read"), Epsilon::millionths(500_000));
}

#[tokio::test]
async fn a_spent_budget_is_a_refusal() {
    let world = World::new(noisy(1));
    let gate = world.gate().await;
    gate.decide(&world.request(1, world.by_class())).await.expect("decided");
    let count = world.query(&[rows()], vec![], Predicate::All);
    let refused = gate.decide(&world.request(2, count)).await.expect("decided");
    assert_eq!(refusal(&refused), RefusalReason::EpsilonExhausted);
    let repeated = gate.decide(&world.request(3, world.by_class())).await.expect("decided");
    assert!(repeated.sealed.is_some(), "what was answered before stays free");
}

/// A buyer and a platform that work together could keep the gate compiling for hours.
#[tokio::test]
async fn a_query_that_would_be_compiled_for_long_is_refused_unread() {
    let world = World::new(exact());
    let paid = world.by_class();
    let program = lower::lower(&world.manifest, &paid, LayoutKind::Rollup).expect("lowered");
    let outputs = world.evaluate(&program);
    // Every class excludes all before it, in every group of the other key.
    let ages = |low| Predicate::In { column: ColumnId(1), codes: CodeSet::from_ranges(vec![(low, low + 2)]) };
    let when = |class: u32| Predicate::Or(vec![ages(class % 8), ages(class % 7 + 3), ages(class % 6 + 1)]);
    let class = |number| Class { label: Some(format!("{number}")), when: when(number) };
    let classes = (0..1_000).map(class).collect();
    let key = GroupKey::Classes { kind: LabelKind::Text, classes };
    let large = world.query(&[rows()], vec![GroupKey::Codes(ColumnId(0)), key], Predicate::All);
    let limit = large.check_size(&world.manifest.schema).expect_err("too large");
    let request = world.request_with(1, large, &program, outputs);
    let decision = world.gate().await.decide(&request).await.expect("decided");
    assert_eq!(refusal(&decision), RefusalReason::ProgramMismatch);
    let Outcome::Refused { detail, .. } = decision.decision.body.outcome else { panic!("refused") };
    assert!(detail.contains(&limit.to_string()), "{detail}");
}

#[tokio::test]
async fn an_unfinished_reservation_is_void_after_a_crash() {
    let world = World::new(noisy(1));
    let gate = world.gate().await;
    let request = world.request(1, world.by_class());
    let verified = gate.verify(&request).await.map_err(|_| "stopped").expect("verified");
    let cost = verified.epsilon();
    let reserve = gate.journal.reserve(verified.subject(), cost, Some(cost), clock());
    assert_eq!(reserve.await.expect("asked"), journal::Reserved::Yes);
    drop(gate);
    let gate = world.gate().await;
    assert!(gate.decide(&request).await.expect("decided").sealed.is_some());
}

#[tokio::test]
async fn the_gates_own_policy_decides() {
    let world = World::new(Policy { max_released_values: 3, ..exact() });
    let gate = world.gate().await;
    let refused = gate.decide(&world.request(1, world.by_class())).await.expect("decided");
    assert_eq!(refusal(&refused), RefusalReason::Policy);
    // The owner edits his copy: a quote made under the old policy is refused.
    let count = world.query(&[rows()], vec![], Predicate::All);
    let request = world.request(2, count);
    let signed = keys().signing.sign(world.manifest.clone()).expect("signed");
    world.profile.save_dataset(&signed, &exact()).expect("saved");
    let refused = gate.decide(&request).await.expect("decided");
    assert_eq!(refusal(&refused), RefusalReason::Policy);
}

#[tokio::test]
async fn what_is_not_authentic_is_refused() {
    let world = World::new(exact());
    let gate = world.gate().await;
    let good = |number| world.request(number, world.by_class());
    let stranger = SigningKey::from_seed(&[9; 32]);

    let mut forged = good(1);
    forged.receipt = stranger.sign(forged.receipt.body).expect("signed");
    let mut altered = good(2);
    altered.receipt.body.price = Amount::minor(1);
    let mut swapped = good(3);
    swapped.query = world.query(&[rows()], vec![], Predicate::All);
    let mut elsewhere = good(4);
    elsewhere.gate = GateId::new(Uuid::from_u128(77));
    for request in [forged, altered, swapped, elsewhere] {
        let refused = gate.decide(&request).await.expect("decided");
        assert_eq!(refusal(&refused), RefusalReason::NotAuthentic, "{}", request.id);
    }
    gate.decide(&good(5)).await.expect("decided");
    let mut other_key = good(6);
    other_key.acceptance = stranger.sign(other_key.acceptance.body).expect("signed");
    let refused = gate.decide(&other_key).await.expect("decided");
    assert_eq!(refusal(&refused), RefusalReason::NotAuthentic, "the buyer's key is pinned");
}

#[tokio::test]
async fn false_outputs_and_false_programs_are_refused() {
    let world = World::new(exact());
    let gate = world.gate().await;
    // The outputs of a query about one person, dressed up as those of a harmless one.
    let count = world.query(&[rows()], vec![], Predicate::All);
    let young = CodeSet::from_codes([0]);
    let narrow = Predicate::column_in(&world.manifest.schema, ColumnId(1), young);
    let narrow = world.query(&[rows()], vec![], narrow);
    let lowered = |query: &Query| lower::lower(&world.manifest, query, LayoutKind::Rollup).expect("lowered");
    let (harmless, harmful) = (lowered(&count), lowered(&narrow));
    let outputs = world.evaluate(&harmful);
    let request = world.request_with(1, count.clone(), &harmless, outputs);
    let refused = gate.decide(&request).await.expect("decided");
    assert_eq!(refusal(&refused), RefusalReason::OutputMismatch);
    let request = world.request_with(2, count.clone(), &harmful, outputs);
    let refused = gate.decide(&request).await.expect("decided");
    assert_eq!(refusal(&refused), RefusalReason::ProgramMismatch);
    let garbage = store(&world.profile, b"no ciphertext at all");
    let request = world.request_with(3, count, &harmless, garbage);
    let refused = gate.decide(&request).await.expect("decided");
    assert_eq!(refusal(&refused), RefusalReason::BadCiphertext);
}

#[tokio::test]
async fn an_unknown_dataset_is_refused_and_a_missing_object_is_not_a_decision() {
    let world = World::new(exact());
    let gate = world.gate().await;
    let other = World::new(exact());
    let mut strange = other.request(1, other.by_class());
    strange.gate = world.gate;
    let refused = gate.decide(&strange).await.expect("decided");
    assert_eq!(refusal(&refused), RefusalReason::UnknownDataset);
    let request = world.request(2, world.by_class());
    std::fs::remove_file(world.profile.object_cache().join(request.outputs.to_string())).expect("removed");
    assert!(gate.decide(&request).await.is_err(), "the platform cannot be reached");
    world.request(2, world.by_class());
    assert!(gate.decide(&request).await.expect("decided").sealed.is_some(), "tried again");
}

#[tokio::test]
async fn only_one_gate_runs_on_a_profile() {
    let world = World::new(exact());
    let _gate = world.gate().await;
    let client = Client::new("http://127.0.0.1:9").expect("an address");
    let key = world.platform.verifying_key();
    let second = Gate::assemble(&world.profile, client, world.gate, key, keys(), Settings::default()).await;
    assert!(matches!(second, Err(ClientError::Gate(GateError::Running(_)))));
}

#[tokio::test]
async fn a_gate_can_be_spawned_and_stopped_at_any_point() {
    let world = World::new(exact());
    let gate = world.gate().await;
    let (send, mut events) = tokio::sync::mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let watch = |event: &Event| drop(send.send(event.clone()));
        gate.run(&watch).await
    });
    assert!(matches!(events.recv().await, Some(Event::Unreachable(_))), "nobody listens there");
    task.abort();
    assert!(task.await.is_err());
    // The profile is free again.
    world.gate().await;
}

/// What is shown of the only group of a query that is released.
async fn released(
    world: &World,
    gate: &Gate,
    number: u128,
    expressions: &[Expression],
) -> Vec<serde_json::Value> {
    let query = world.query(expressions, vec![], Predicate::All);
    query.validate(&world.manifest.schema).expect("valid");
    let decision = gate.decide(&world.request(number, query)).await.expect("decided");
    world.open(&decision).rows.remove(0)
}

#[tokio::test]
async fn noise_adds_no_codes_to_ranks_and_distinct_values() {
    // The noise has a standard deviation of 0.5: enough to make rows of nobody, and to keep nine of nine.
    let epsilon_per_query = Epsilon::millionths(20_000_000);
    let noise = Noise::DiscreteGaussian { epsilon_per_query, delta_exponent: 6 };
    let epsilon_budget = Some(Epsilon::millionths(40_000_000));
    let world = World::new(Policy { min_cohort: 7, noise, epsilon_budget, ..exact() });
    let gate = world.gate().await;
    let shown = async |number, when: Predicate| {
        let rank = |rank| Expression::Quantile { rank, column: ColumnId(1), when: when.clone() };
        let distinct = Expression::Distinct { column: ColumnId(1), when: when.clone() };
        let asked = [distinct, rank(Rank::Lowest), rank(Rank::Highest), rank(Rank::Median)];
        released(&world, &gate, number, &asked).await
    };
    let schema = &world.manifest.schema;
    let middle = Predicate::column_in(schema, ColumnId(1), CodeSet::from_codes([3, 4, 5, 6]));
    let row = shown(1, middle).await;
    assert_eq!(row[..3], [4, 23, 26], "noise alone makes the six other ages");
    assert!((row[3].as_f64().expect("a number") - 24.5).abs() <= 1.0, "{row:?}");
    let rare = Predicate::column_in(schema, ColumnId(0), CodeSet::from_codes([2]));
    let older = Predicate::column_in(schema, ColumnId(1), CodeSet::from_codes([5, 6]));
    let row = shown(2, Predicate::and(schema, vec![rare, older])).await;
    assert!(row.iter().all(serde_json::Value::is_null), "noise alone: {row:?}");
}

/// Rows of the class `rare`, of which there are two; one of them is 20 years old.
fn lonely(world: &World) -> Predicate {
    let is = |column, code| {
        Predicate::column_in(&world.manifest.schema, ColumnId(column), CodeSet::from_codes([code]))
    };
    Predicate::and(&world.manifest.schema, vec![is(0, 2), is(1, 0)])
}

#[tokio::test]
async fn a_condition_inside_an_aggregate_does_not_isolate_a_row() {
    let world = World::new(exact());
    let gate = world.gate().await;
    let schema = &world.manifest.schema;
    let (one, age) = (lonely(&world), Value::measure(schema, ColumnId(1)));
    let branch = |when: &Predicate, coefficient| Branch {
        when: when.clone(),
        monomials: vec![Monomial { coefficient, columns: vec![ColumnId(1)] }],
    };
    let nothing = Branch { when: Predicate::All, monomials: vec![] };
    let case = |branches| Value { scale: 0, branches };
    let attacks = [
        Expression::Count(one.clone()),
        Expression::Sum(age.filtered(schema, &one)),
        Expression::Average(age.filtered(schema, &one)),
        // CASE WHEN one THEN age ELSE 0 END
        Expression::Sum(case(vec![branch(&one, 1), nothing])),
        // CASE WHEN one THEN 1000000 * age ELSE age END: its digits would tell both.
        Expression::Sum(case(vec![branch(&one, 1_000_000), branch(&Predicate::All, 1)])),
        Expression::Distinct { column: ColumnId(1), when: one.clone() },
    ];
    for (number, attack) in (1..).zip(&attacks) {
        let row = released(&world, &gate, number, &[rows(), attack.clone()]).await;
        assert_eq!(row[0], ROWS, "the rest is shown");
        assert!(row[1].is_null(), "{attack:?} shows {}", row[1]);
    }
    let many = one.negated(schema);
    let harmless = Expression::Sum(case(vec![branch(&many, 1)]));
    let row = released(&world, &gate, 100, &[harmless]).await;
    assert!(row[0].is_number(), "a condition that many rows meet is answered");
}

#[tokio::test]
async fn the_value_of_a_single_row_is_no_lowest_or_highest_value() {
    let world = World::new(exact());
    let gate = world.gate().await;
    let rank = |rank, when| Expression::Quantile { rank, column: ColumnId(1), when };
    let ranks = [Rank::Lowest, Rank::Highest, Rank::Median, Rank::Percentile(1)];
    for (number, of) in (1..).zip(ranks) {
        let row =
            released(&world, &gate, number, &[rank(of, lonely(&world)), rank(of, Predicate::All)]).await;
        assert!(row[0].is_null(), "{of:?} of one row");
        assert!(!row[1].is_null(), "{of:?} of all rows");
    }
    // Every age occurs nine times, which is enough; of the rows above 28, none is above 29.
    let of_all = released(&world, &gate, 9, &[rank(Rank::Highest, Predicate::All)]).await;
    assert_eq!(of_all[0], 29);
    let strict = World::new(Policy { min_cohort: 12, ..Policy::default() });
    let gate = strict.gate().await;
    let of_all = released(&strict, &gate, 1, &[rank(Rank::Highest, Predicate::All)]).await;
    assert_eq!(of_all[0], 28, "only nine rows reach 29");
}
