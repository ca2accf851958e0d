//! What trainers ask can be computed on an encrypted table, and costs at most what was planned.

use sordino_model::train::{Step, Trainer};
use sordino_protocol::{
    cost::OperationCounts,
    layout::LayoutKind,
    layout_plan::{self, Budget, RollupBudget},
    lower,
    manifest::Manifest,
    query::Query,
    testing,
};

use super::oracle::{Protection, answer, cases};

/// Units of the cheaper layout.
fn units(manifest: &Manifest, query: &Query) -> Result<u64, String> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
        match lower::lower(manifest, query, layout) {
            Ok(program) => {
                let chunks = manifest.scan.as_ref().map_or(0, |scan| scan.chunks.len() as u64);
                let counts = OperationCounts::of(&program, chunks);
                found.push(counts.units(program.parameter_set()).get());
            }
            Err(error) => errors.push(format!("{layout:?}: {error}")),
        }
    }
    found.into_iter().min().ok_or_else(|| errors.join("; "))
}

#[test]
fn every_question_compiles_and_costs_no_more_than_planned() {
    for (name, case) in cases() {
        let rows = case.rows();
        let count = rows.coded.rows as u64;
        let budget =
            Budget { max_upload: None, rollup: Some(RollupBudget::default()), scan: true, score: false };
        let published = layout_plan::publication(&case.schema, count, &budget).expect("a publication");
        let manifest =
            testing::manifest(case.schema.clone(), count, published.rollup, published.scan, &[count]);
        let mut trainer = Trainer::new(case.source(), &case.task).expect("a task");
        let cost = |queries: &[Query]| {
            let each = queries.iter().map(|query| units(&manifest, query));
            each.sum::<Result<u64, _>>().unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let planned: Vec<u64> =
            trainer.plan().expect("a plan").rounds.iter().map(|round| cost(round)).collect();
        let mut round = 0;
        let mut asked = Vec::new();
        while let Step::Ask(queries) = trainer.next().expect("a step") {
            let found = cost(&queries);
            asked.push((found, planned[round]));
            round += 1;
            let protection = Protection::cohort(1);
            let answers: Vec<_> =
                queries.iter().map(|query| answer(&case.schema, query, &rows.coded, &protection)).collect();
            trainer.answer(&answers).expect("answers");
        }
        println!("{name}: {asked:?}");
        let total: u64 = asked.iter().map(|(found, _)| found).sum();
        assert!(total <= planned.iter().sum(), "{name}");
        if name.starts_with("boosted") {
            // A cell is asked about once, when it is new; planned are all cells in every round.
            assert!(5 * total <= planned.iter().sum(), "{name}");
        }
    }
}
