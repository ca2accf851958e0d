//! Models that the gate does not see: what it insists on, whatever the platform sends.

use sordino_protocol::policy::{Disclosure, PolicyError};

use super::*;

fn hidden() -> Policy {
    Policy { models: Disclosure::Hidden, ..noisy(3) }
}

/// Old and young, by label.
fn model(world: &World) -> Query {
    let old = Predicate::column_in(&world.manifest.schema, ColumnId(1), CodeSet::from_ranges(vec![(5, 10)]));
    let class = |label: &str, when| Class { label: Some(label.to_owned()), when };
    let classes = vec![class("old", old.clone()), class("young", old.negated(&world.manifest.schema))];
    world.query(&[rows()], vec![GroupKey::Classes { kind: LabelKind::Text, classes }], Predicate::All)
}

fn request(world: &World, shown: Query) -> ReleaseRequest {
    let query = model(world);
    let program = lower::lower(&world.manifest, &query, LayoutKind::Rollup).expect("lowered");
    let outputs = world.evaluate(&program);
    world.request_shown(7, query, &program, outputs, Some(shown))
}

#[tokio::test]
async fn counts_of_a_hidden_model_are_released_with_noise() {
    let world = World::new(hidden());
    let shown = model(&world).veiled().expect("it can be hidden").query;
    let decision = world.gate().await.decide(&request(&world, shown)).await.expect("decided");
    let Outcome::Released { reevaluated, .. } = decision.decision.body.outcome else { panic!("released") };
    assert!(!reevaluated, "there is nothing that it could compute again");
    let answer = world.open(&decision);
    let counts: Vec<i64> = answer.groups.iter().filter_map(|group| group.values.as_ref()?[0]).collect();
    assert!(answer.noise[0] > 0.0);
    assert!(counts.iter().all(|count| (count - 45).abs() < 45), "within noise of 45: {counts:?}");
}

#[tokio::test]
async fn attack_model_hidden_against_the_policy_is_refused() {
    let world = World::new(noisy(3));
    let shown = model(&world).veiled().expect("it can be hidden").query;
    let decision = world.gate().await.decide(&request(&world, shown)).await.expect("decided");
    assert_eq!(refusal(&decision), RefusalReason::Policy);
}

#[tokio::test]
async fn attack_model_hidden_without_noise_is_not_decided() {
    // A policy that no owner can publish.
    let world = World::new(Policy { models: Disclosure::Hidden, ..exact() });
    let shown = model(&world).veiled().expect("it can be hidden").query;
    let undecided = world.gate().await.decide(&request(&world, shown)).await.expect_err("no decision");
    assert!(matches!(undecided, ClientError::Policy(PolicyError::Hidden)), "{undecided}");
}

/// A sum would have a sensitivity that nobody can check.
#[tokio::test]
async fn attack_model_hidden_that_shows_more_than_counts_is_refused() {
    let world = World::new(hidden());
    let mut shown = model(&world).veiled().expect("it can be hidden").query;
    shown.outputs[0].expression = Expression::Sum(Value::measure(&world.manifest.schema, ColumnId(1)));
    let decision = world.gate().await.decide(&request(&world, shown)).await.expect("decided");
    assert_eq!(refusal(&decision), RefusalReason::Policy);
    let id = ReleaseId::new(Uuid::from_u128(8));
    let request = ReleaseRequest { id, ..request(&world, model(&world)) };
    let decision = world.gate().await.decide(&request).await.expect("decided");
    assert_eq!(refusal(&decision), RefusalReason::Policy, "with its conditions it is not a hidden one");
}

/// The platform counts rows twice.
#[tokio::test]
async fn attack_model_hidden_whose_groups_have_more_rows_than_the_table_is_refused() {
    let world = World::new(hidden());
    let query = model(&world);
    let most = |low, high| {
        let codes = CodeSet::from_ranges(vec![(low, high)]);
        Expression::Count(Predicate::column_in(&world.manifest.schema, ColumnId(1), codes))
    };
    let twice = world.query(
        &[most(0, 9), most(1, 10)],
        vec![],
        Predicate::column_in(&world.manifest.schema, ColumnId(1), CodeSet::from_ranges(vec![(0, 9)])),
    );
    let program = lower::lower(&world.manifest, &twice, LayoutKind::Rollup).expect("lowered");
    let outputs = world.evaluate(&program);
    let shown = query.veiled().expect("it can be hidden").query;
    let request = world.request_shown(9, query, &program, outputs, Some(shown));
    let decision = world.gate().await.decide(&request).await.expect("decided");
    assert_eq!(refusal(&decision), RefusalReason::OutputMismatch);
}

#[tokio::test]
async fn a_request_that_disagrees_with_its_quote_is_refused() {
    let world = World::new(hidden());
    let query = model(&world);
    let shown = query.veiled().expect("it can be hidden").query;
    let mut request = world.request(10, query);
    request.hidden = Some(HiddenModel { query: request.quote.body.query, inputs: vec![] });
    request.query = shown;
    let decision = world.gate().await.decide(&request).await.expect("decided");
    assert_eq!(refusal(&decision), RefusalReason::NotAuthentic);
}
