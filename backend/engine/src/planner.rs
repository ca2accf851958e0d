//! Chooses the layout: every published layout is tried, and the cheapest that can answer within its
//! bounds is taken. Cost is known exactly before anything runs.

use sordino_protocol::{
    api::Considered,
    bounds::{self, MAX_PARTIAL_BYTES},
    cost::{ComputeUnits, OperationCounts},
    layout::LayoutKind,
    lower::{LowerError, lower},
    manifest::Manifest,
    program::Program,
    query::{Quantity, Query},
    schema::Schema,
};

/// All layouts, in the order in which they are reported.
const LAYOUTS: [LayoutKind; 2] = [LayoutKind::Rollup, LayoutKind::Scan];

/// How a query will be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is executed.
    pub program: Program,
    /// Its operations.
    pub counts: OperationCounts,
    /// Its metered size.
    pub units: ComputeUnits,
    /// Every layout with the reason why it was or was not chosen.
    pub considered: Vec<Considered>,
}

/// No layout can answer a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no layout can answer this query: {}", listed(refusals))]
pub struct PlanError {
    /// Every layout that was tried, with its refusal.
    pub refusals: Vec<(LayoutKind, Refusal)>,
}

/// Why a layout is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot answer the query.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The sums of all groups together would need too much memory.
    #[error("{outputs} sums at once need too much memory, at most {limit} fit: {advice}")]
    Memory {
        /// Sums of the program: groups times what is computed for each.
        outputs: u64,
        /// The most that fit.
        limit: u64,
        /// What to ask instead.
        advice: String,
    },
}

/// The program of a query on a layout, if this platform can run it.
fn program(manifest: &Manifest, query: &Query, layout: LayoutKind) -> Result<Program, Refusal> {
    let program = lower(manifest, query, layout)?;
    if let Program::Scan(scan) = &program {
        let bytes = bounds::partial_bytes(scan).map_err(LowerError::Bound)?;
        let outputs = program.output_count() as u64;
        if bytes > MAX_PARTIAL_BYTES {
            let limit = outputs * MAX_PARTIAL_BYTES / bytes;
            return Err(Refusal::Memory { outputs, limit, advice: advice(&manifest.schema, query) });
        }
    }
    Ok(program)
}

/// How to need fewer sums. Ranks count every code of a dimension, which is easily overlooked.
fn advice(schema: &Schema, query: &Query) -> String {
    let ranked = query.requirements(schema).quantities.into_iter().find_map(|quantity| match quantity {
        Quantity::Histogram { column, .. } => Some(column),
        Quantity::Sum(_) | Quantity::Levels { .. } => None,
    });
    match ranked.map(|id| schema.column(id)) {
        Some(column) => format!(
            "a rank or COUNT(DISTINCT) counts each of the {} codes of `{}` in every group; \
             ask it of a coarser dimension, or of fewer groups",
            column.codes(),
            column.name
        ),
        None => "group by fewer or coarser dimensions".to_owned(),
    }
}

fn listed(refusals: &[(LayoutKind, Refusal)]) -> String {
    let one = |(layout, error): &(LayoutKind, Refusal)| format!("{}: {error}", name(*layout));
    refusals.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The layout's name as users write it.
pub const fn name(layout: LayoutKind) -> &'static str {
    match layout {
        LayoutKind::Rollup => "rollup",
        LayoutKind::Scan => "scan",
    }
}

/// Plans `query`, on the layout `forced` if one is asked for.
///
/// # Errors
/// When no (allowed) layout can answer it, with the refusal of each by name.
pub fn plan(manifest: &Manifest, query: &Query, forced: Option<LayoutKind>) -> Result<Plan, PlanError> {
    let mut possible: Vec<(Program, OperationCounts, ComputeUnits)> = Vec::new();
    let mut refusals = Vec::new();
    for layout in LAYOUTS {
        if forced.is_some_and(|forced| forced != layout) {
            continue;
        }
        match program(manifest, query, layout) {
            Ok(program) => {
                let chunks = manifest.chunks(program.parameter_set());
                let counts = OperationCounts::of(&program, chunks);
                let units = counts.units(program.parameter_set());
                possible.push((program, counts, units));
            }
            Err(error) => refusals.push((layout, error)),
        }
    }
    let best = possible.iter().enumerate().min_by_key(|(_, (_, _, units))| *units).map(|(index, _)| index);
    let Some(best) = best else { return Err(PlanError { refusals }) };
    let considered = considered(&possible, best, &refusals, forced);
    let (program, counts, units) = possible.swap_remove(best);
    Ok(Plan { program, counts, units, considered })
}

fn considered(
    possible: &[(Program, OperationCounts, ComputeUnits)],
    best: usize,
    refusals: &[(LayoutKind, Refusal)],
    forced: Option<LayoutKind>,
) -> Vec<Considered> {
    let describe = |layout: LayoutKind| {
        if forced.is_some_and(|forced| forced != layout) {
            let reason = "not considered: another layout was asked for".to_owned();
            return Considered { layout, units: None, reason };
        }
        if let Some((_, error)) = refusals.iter().find(|(refused, _)| *refused == layout) {
            return Considered { layout, units: None, reason: format!("cannot answer: {error}") };
        }
        let found = possible.iter().position(|(program, ..)| program.layout() == layout);
        let (chosen, units) = match found {
            Some(index) => (index == best, possible[index].2.get()),
            None => return Considered { layout, units: None, reason: "not published".to_owned() },
        };
        let reason = match (chosen, forced, possible.len()) {
            (true, Some(_), _) => "chosen: asked for".to_owned(),
            (true, None, 1) => "chosen: the only layout that can answer".to_owned(),
            (true, None, _) => "chosen: the cheapest".to_owned(),
            (false, ..) => format!("can answer, but {} needs fewer units", name(possible[best].0.layout())),
        };
        Considered { layout, units: Some(units), reason }
    };
    LAYOUTS.into_iter().map(describe).collect()
}

#[cfg(test)]
mod tests {
    use sordino_protocol::{
        layout_plan::{self, RollupBudget},
        testing,
    };

    use super::*;
    use crate::sql::{bind, samples};

    fn manifest(budget: &RollupBudget) -> Manifest {
        let schema = samples::schema();
        let rollup = layout_plan::rollup(&schema, 1_000, budget);
        let scan = layout_plan::scan(&schema, 1_000);
        testing::manifest(schema, 1_000, Some(rollup), Some(scan), &[1_000])
    }

    fn query(sql: &str) -> Query {
        bind(samples::dataset(), &samples::schema(), sql).expect("answerable").query
    }

    #[test]
    fn the_cheapest_layout_is_chosen_and_the_others_explained() {
        let manifest = manifest(&RollupBudget::default());
        let query = query("SELECT AVG(credit_amount) FROM german_credit WHERE housing = 'own'");
        let plan = plan(&manifest, &query, None).expect("plannable");
        assert_eq!(plan.program.layout(), LayoutKind::Rollup);
        assert_eq!(plan.units, plan.counts.units(plan.program.parameter_set()));
        let reasons: Vec<_> = plan.considered.iter().map(|c| (c.layout, c.reason.as_str())).collect();
        assert_eq!(
            reasons,
            [
                (LayoutKind::Rollup, "chosen: the cheapest"),
                (LayoutKind::Scan, "can answer, but rollup needs fewer units"),
            ]
        );
        assert!(plan.considered[1].units > plan.considered[0].units);
    }

    #[test]
    fn a_scan_of_too_many_groups_is_refused_by_name() {
        let manifest = manifest(&RollupBudget::default());
        let by = |columns: &str| query(&format!("SELECT COUNT(*) FROM german_credit GROUP BY {columns}"));
        let few = by("age_in_years, housing");
        assert!(plan(&manifest, &few, Some(LayoutKind::Scan)).is_ok(), "171 groups fit");
        // Too deep for fewer than all four moduli: three polynomials in nine.
        let limit = MAX_PARTIAL_BYTES / (8 * 8_192 * 3 * 9);
        let many = by("age_in_years, housing, creditability, duration_in_month");
        let error = plan(&manifest, &many, Some(LayoutKind::Scan)).expect_err("1,368 groups do not fit");
        let fits = |refusal: &Refusal, sums: u64| matches!(refusal, Refusal::Memory { outputs, limit: most, .. } if *outputs == sums && *most == limit);
        assert!(fits(&error.refusals[0].1, 1_368), "{error}");
        let ranked = query(
            "SELECT MEDIAN(age_in_years) FROM german_credit GROUP BY housing, creditability, duration_in_month",
        );
        let error = plan(&manifest, &ranked, Some(LayoutKind::Scan)).expect_err("1,392 sums do not fit");
        assert!(error.to_string().contains("57 codes of `age_in_years`"), "{error}");
    }

    #[test]
    fn a_layout_can_be_forced() {
        let manifest = manifest(&RollupBudget::default());
        let query = query("SELECT COUNT(*) FROM german_credit WHERE housing = 'own'");
        let plan = plan(&manifest, &query, Some(LayoutKind::Scan)).expect("plannable");
        assert_eq!(plan.program.layout(), LayoutKind::Scan);
        assert_eq!(plan.considered[1].reason, "chosen: asked for");
        assert_eq!(plan.considered[0].units, None);
    }

    #[test]
    fn what_a_layout_cannot_answer_another_does() {
        let manifest = manifest(&RollupBudget { max_dimensions: 1, ..RollupBudget::default() });
        let both = "SELECT COUNT(*) FROM german_credit WHERE housing = 'own' AND creditability = 'bad'";
        let found = plan(&manifest, &query(both), None).expect("plannable");
        assert_eq!(found.program.layout(), LayoutKind::Scan);
        assert_eq!(found.considered[1].reason, "chosen: the only layout that can answer");
        assert!(found.considered[0].reason.starts_with("cannot answer: no cuboid has all of"));

        let error = plan(&manifest, &query(both), Some(LayoutKind::Rollup)).expect_err("no cuboid");
        assert_eq!(error.refusals.len(), 1);
        assert!(error.to_string().contains("rollup: no cuboid has all of"), "{error}");
    }

    #[test]
    fn the_refusals_of_all_layouts_are_listed() {
        let mut manifest = manifest(&RollupBudget::default());
        (manifest.rollup, manifest.scan) = (None, None);
        let error = plan(&manifest, &query("SELECT COUNT(*) FROM german_credit"), None).expect_err("nothing");
        assert_eq!(error.refusals.len(), 2);
        let text = error.to_string();
        assert!(text.contains("rollup: ") && text.contains("; scan: "), "{text}");
    }
}
