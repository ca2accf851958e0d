//! Every method against scikit-learn on the same rows, and what cohorts and noise do.

use sordino_model::train::{Source, Trainer};
use sordino_protocol::query::Query;

use super::oracle::{Protection, cases, quality};

#[test]
fn trained_models_are_as_good_as_those_of_scikit_learn() {
    for (name, case) in cases() {
        let rows = case.rows();
        let trained = case.train(&rows, &Protection::cohort(1));
        assert_eq!(trained.withheld, 0, "{name}");
        assert!(trained.noise.is_none(), "{name}");
        let found = quality(&case, &rows, &trained.model);
        println!("{name}: {} rounds, {} queries", trained.rounds, trained.queries);
        let wanted = &case.expected;
        for (what, found, wanted) in
            [("accuracy", found.accuracy, wanted.accuracy), ("r2", found.r2, wanted.r2)]
        {
            if let (Some(found), Some(wanted)) = (found, wanted) {
                println!("  {what} {found:.4}, scikit-learn {wanted:.4}");
                assert!(found >= wanted - 0.01, "{name}: {what} {found}, scikit-learn's is {wanted}");
            }
        }
        if let (Some(found), Some(wanted)) = (found.inertia, wanted.inertia) {
            println!("  inertia {found:.0}, scikit-learn {wanted:.0}");
            assert!(found <= wanted * 1.01, "{name}: inertia {found}, scikit-learn's is {wanted}");
        }
        if let Some(intercept) = wanted.intercept {
            let sordino_model::model::Estimator::Linear { outputs, .. } = &trained.model.estimator else {
                panic!("{name}: a linear model")
            };
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
            assert!(close(outputs[0].intercept, intercept), "{name}: {} {intercept}", outputs[0].intercept);
            assert_eq!(outputs[0].weights.len(), wanted.weights.len(), "{name}");
            let pairs = outputs[0].weights.iter().zip(&wanted.weights);
            pairs.for_each(|(found, wanted)| assert!(close(*found, *wanted), "{name}: {found} {wanted}"));
        }
    }
}

/// A platform with little memory is asked more queries, each of few numbers; the model is the same.
#[test]
fn models_do_not_depend_on_how_statistics_are_packed() {
    let protection = Protection::cohort(1);
    for (name, case) in cases() {
        let rows = case.rows();
        let whole = case.train(&rows, &protection);
        let source = Source { max_sums: 100, ..case.source() };
        let packed = case.train_from(source.clone(), &rows, &protection);
        assert!(packed.queries >= whole.queries, "{name}");
        assert_eq!((&packed.model, packed.rounds), (&whole.model, whole.rounds), "{name}");
        let plan = Trainer::new(source, &case.task).and_then(|trainer| trainer.plan()).expect("a plan");
        let sums = |query: &Query| {
            query.group_count(&case.schema) * query.requirements(&case.schema).size(&case.schema) as u64
        };
        let most = plan.rounds.iter().flatten().map(sums).max().expect("queries");
        assert!(most <= 100, "{name}: {most} sums");
    }
}
