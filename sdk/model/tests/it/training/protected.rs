//! What cohorts and noise do to trained models, and what trainers refuse.

use sordino_model::{
    limits::Limits,
    model::{Estimator, Node},
    train::{Method, Step, TrainError, Trainer, TreeOptions},
};

use sordino_protocol::schema::{Column, Domain};

use super::oracle::{Case, Expected, Protection, answer, cases, quality};

fn case(name: &str) -> Case {
    cases().remove(name).unwrap_or_else(|| panic!("case {name}"))
}

fn train(case: &Case, protection: &Protection) -> (sordino_model::train::Trained, Expected) {
    let rows = case.rows();
    let trained = case.train(&rows, protection);
    trained.model.validate(&Limits::default()).expect("a valid model");
    let found = quality(case, &rows, &trained.model);
    (trained, found)
}

#[test]
fn withheld_cells_are_counted_and_cost_little() {
    // The cells of three numbers have too few rows here: that ends in a reason, see below.
    for (name, case) in cases().into_iter().filter(|(name, _)| name != "logistic_breast_cancer") {
        let (trained, found) = train(&case, &Protection::cohort(10));
        let wanted = &case.expected;
        println!("{name}: {} withheld, {:?} {:?}", trained.withheld, found.accuracy, found.r2);
        assert_eq!(
            trained.withheld > 0,
            trained.notes.iter().any(|note| note.contains("withheld,")),
            "{name}"
        );
        if let (Some(found), Some(wanted)) = (found.accuracy, wanted.accuracy) {
            assert!(found >= wanted - 0.1, "{name}: {found} {wanted}");
        }
    }
}

/// Moments that are partly withheld or noised need not be those of any rows: that a coefficient cannot be
/// found then says nothing of the inputs.
#[test]
fn inputs_are_called_dependent_only_where_all_is_released() {
    let mut uncertain = 0;
    for name in ["linear_german_credit", "ridge_german_credit", "linear_missing"] {
        let case = case(name);
        let cohorts = [5, 20, 60, 150, 250].map(Protection::cohort);
        let noised = [0.02, 0.1, 0.5].map(Protection::noise);
        for protection in cohorts.into_iter().chain(noised) {
            let (trained, _) = train(&case, &protection);
            let says = |words: &str| trained.notes.iter().filter(|note| note.contains(words)).count();
            assert_eq!(says("depends on"), 0, "{name}, {protection:?}: {:?}", trained.notes);
            uncertain += says("cannot be told from the other inputs");
        }
    }
    assert!(uncertain > 0, "no case shows what it is about");
    // Who is treated is in one of three arms.
    let mut case = case("linear_missing");
    case.schema.columns.push(Column {
        name: "treat".to_owned(),
        description: String::new(),
        nullable: false,
        dimension: Some(Domain::Integer { min: 0, max: 1 }),
        measure: None,
    });
    case.task.inputs.push("treat".to_owned());
    let (trained, _) = train(&case, &Protection::cohort(1));
    assert!(trained.notes.iter().any(|note| note.contains("depends on")), "{:?}", trained.notes);
}

#[test]
fn noise_is_stated_as_standard_errors_that_hold() {
    let case = case("linear_actg175");
    let weights = |trained: &sordino_model::train::Trained| match &trained.model.estimator {
        Estimator::Linear { outputs, .. } => {
            [&[outputs[0].intercept], outputs[0].weights.as_slice()].concat()
        }
        _ => panic!("a linear model"),
    };
    let (exact, _) = train(&case, &Protection::cohort(1));
    let truth = weights(&exact);
    let (mut within, mut all) = (0, 0);
    for seed in 1..40 {
        let (noised, _) = train(&case, &Protection { seed: seed * 1_000, ..Protection::noise(20.0) });
        let noise = noised.noise.clone().expect("noise");
        assert!(noise.largest_deviation > 0.0);
        assert_eq!(noise.parameters.len(), truth.len());
        for (parameter, (found, truth)) in noise.parameters.iter().zip(weights(&noised).iter().zip(&truth)) {
            assert!((parameter.value - found).abs() < 1e-9);
            all += 1;
            within += u32::from((found - truth).abs() <= 2.0 * parameter.error);
        }
        assert!(noised.notes.iter().any(|note| note.contains("standard error")));
    }
    // Normally distributed errors are within two deviations in 95 of 100 cases.
    assert!(f64::from(within) >= 0.85 * f64::from(all), "{within} of {all}");
}

#[test]
fn nodes_are_not_split_within_noise() {
    let case = case("tree_german_credit");
    let leaves = |trained: &sordino_model::train::Trained| match &trained.model.estimator {
        Estimator::Trees { trees, .. } => {
            trees[0].nodes.iter().filter(|node| matches!(node, Node::Leaf(_))).count()
        }
        _ => panic!("a tree"),
    };
    let (exact, _) = train(&case, &Protection::cohort(1));
    let (some, _) = train(&case, &Protection::noise(50.0));
    let (much, _) = train(&case, &Protection::noise(0.5));
    assert!(leaves(&exact) > leaves(&some), "{} {}", leaves(&exact), leaves(&some));
    assert_eq!(leaves(&much), 1);
    assert_eq!(much.noise.map(|noise| noise.undecided_nodes), Some(1));
}

#[test]
fn every_method_bears_noise() {
    for (name, case) in cases().into_iter().filter(|(name, _)| name != "logistic_breast_cancer") {
        let (trained, found) = train(&case, &Protection::noise(5.0));
        println!("{name}: {:?} {:?} {:?}", found.accuracy, found.r2, trained.notes);
        assert!(trained.noise.is_some(), "{name}");
    }
}

#[test]
fn a_wrong_answer_is_refused_and_the_run_goes_on() {
    let case = case("gaussian_breast_cancer");
    let rows = case.rows();
    let mut trainer = Trainer::new(case.source(), &case.task).expect("a task");
    assert!(matches!(trainer.answer(&[]), Err(TrainError::NothingAsked)));
    let Step::Ask(queries) = trainer.next().expect("a step") else { panic!("a question") };
    assert_eq!(trainer.next().expect("a step"), Step::Ask(queries.clone()), "the same until it is answered");
    let right = answer(&case.schema, &queries[0], &rows.coded, &Protection::cohort(1));
    let mut other = right.clone();
    other.query = sordino_protocol::digest::Digest::from_bytes([9; 32]);
    let mut short = right.clone();
    short.groups.pop();
    for wrong in [vec![], vec![other], vec![short], vec![right.clone(), right.clone()]] {
        assert!(matches!(trainer.answer(&wrong), Err(TrainError::Answer { .. })));
    }
    trainer.answer(&[right]).expect("the answer");
    assert!(matches!(trainer.next().expect("a step"), Step::Done(_)));
}

#[test]
fn suppressed_answers_end_the_run_with_a_reason() {
    for (name, case) in cases() {
        let rows = case.rows();
        let mut trainer = Trainer::new(case.source(), &case.task).expect("a task");
        let Step::Ask(queries) = trainer.next().expect("a step") else { panic!("a question") };
        let protection = Protection::cohort(1_000_000);
        let answers: Vec<_> =
            queries.iter().map(|query| answer(&case.schema, query, &rows.coded, &protection)).collect();
        trainer.answer(&answers).expect("answers");
        assert!(matches!(trainer.next(), Err(TrainError::NothingReleased(_))), "{name}");
        assert!(matches!(trainer.next(), Err(TrainError::Failed)), "{name}");
    }
}

#[test]
fn what_cannot_be_fitted_is_refused_by_name() {
    let refused = |name: &str, change: &dyn Fn(&mut Case)| {
        let mut case = case(name);
        change(&mut case);
        Trainer::new(case.source(), &case.task).map(|_| ()).expect_err("refused").to_string()
    };
    let found = refused("gaussian_breast_cancer", &|case| case.task.inputs.push("nowhere".to_owned()));
    assert!(found.contains("`nowhere` is not a column"), "{found}");
    let found = refused("linear_actg175", &|case| case.task.label = None);
    assert!(found.contains("name the column to predict"), "{found}");
    let found = refused("logistic_breast_cancer", &|case| {
        case.schema.columns[0].dimension =
            Some(sordino_protocol::schema::Domain::Integer { min: 0, max: 99 });
        case.task.method = Method::Logistic { c: 1.0, bins: 100 };
    });
    assert!(found.contains("19200 cells") && found.contains("drop `mean_radius`"), "{found}");
    let found = refused("tree_german_credit", &|case| {
        case.task.method = Method::Tree(TreeOptions { max_depth: 40, ..TreeOptions::default() });
    });
    assert!(found.contains("max_depth"), "{found}");
    let found = refused("gaussian_breast_cancer", &|case| {
        case.task.method = Method::Tree(TreeOptions::default());
    });
    assert!(found.contains("needs a dimension"), "{found}");
}
