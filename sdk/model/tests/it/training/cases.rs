//! Every method against scikit-learn on the same rows, and what cohorts and noise do.

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
