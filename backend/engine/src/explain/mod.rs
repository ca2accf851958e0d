//! EXPLAIN: how a text is understood, how it would be answered and what that would cost. It follows
//! from public facts alone; no data is touched.

use sordino_protocol::{
    answer,
    api::{Explanation, Question},
    bounds::{self, BoundError},
    canonical::{Canonical, CanonicalError},
    layout::LayoutKind,
    manifest::Manifest,
    money::{MoneyError, Price},
    policy::Policy,
    program::Program,
    query::Query,
};

use crate::{
    ask::{self, AskError},
    planner::{self, Plan, PlanError},
    policy::{self, PolicyRefusal},
    sql::Bound,
};

mod after;
mod computed;
mod steps;
mod words;

/// What an explanation is made of besides the text.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The dataset version.
    pub manifest: &'a Manifest,
    /// What its owner allows.
    pub policy: &'a Policy,
    /// What its owner asks for.
    pub price: &'a Price,
    /// Compute units that this platform evaluates in a second.
    pub units_per_second: u64,
    /// The layout that is asked for; the planner chooses without.
    pub layout: Option<LayoutKind>,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The question is not answered.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The policy forbids the query.
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    /// No layout can answer.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The price does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The program exceeds a bound.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// The manifest has no digest.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

/// Explains a question; its SQL may begin with EXPLAIN.
///
/// # Errors
/// Those that asking for a quote would give.
pub fn explain(facts: Facts<'_>, question: Question) -> Result<Explanation, ExplainError> {
    let Facts { manifest, policy, price, units_per_second, layout } = facts;
    let bound = ask::understand_explained(manifest.digest()?, &manifest.schema, question)?;
    policy::check(policy, &manifest.schema, &bound.query)?;
    let plan = planner::plan(manifest, &bound.query, layout)?;
    let released_values = bound.query.released_values(&manifest.schema);
    let noise = noise(manifest, &plan.program)?;
    let units = plan.units.get();
    let mut explanation = Explanation {
        considered: plan.considered.clone(),
        layout: plan.program.layout(),
        parameter_set: plan.program.parameter_set(),
        reads: steps::reads(manifest, &plan.program),
        steps: match &plan.program {
            Program::Rollup(_) => 0,
            Program::Scan(program) => program.steps.len() as u64,
        },
        operations: plan.counts,
        noise_bits: noise.bits,
        noise_budget_bits: noise.budget,
        depth: noise.depth,
        units: plan.units,
        price: price.of(released_values, units)?,
        currency: price.currency,
        expected_ms: units.saturating_mul(1_000).div_ceil(units_per_second.max(1)).max(1),
        released_values,
        noise_millis: policy::noise_millis(policy, &manifest.schema, &bound.query),
        epsilon: policy.epsilon_per_query(),
        text: Vec::new(),
        query: bound.query.clone(),
        presentation: bound.presentation.clone(),
    };
    explanation.text = text(manifest, policy, &bound, &plan, &explanation);
    Ok(explanation)
}

struct NoiseBound {
    bits: u32,
    budget: u32,
    depth: u32,
}

fn noise(manifest: &Manifest, program: &Program) -> Result<NoiseBound, BoundError> {
    match program {
        Program::Rollup(program) => {
            let cells = |selection: &Vec<(u64, u64)>| selection.iter().map(|(low, high)| high - low).sum();
            let most: u64 = program.selections.iter().map(cells).max().unwrap_or(0);
            let bits = bounds::rollup_noise(most.max(1))?;
            Ok(NoiseBound { bits, budget: sordino_protocol::parameters::ROLLUP_V1.scale_bits - 1, depth: 0 })
        }
        Program::Scan(program) => {
            let chunks = manifest.chunks(program.parameter_set).max(1);
            let found = bounds::scan_noise(program, chunks)?;
            Ok(NoiseBound { bits: found.noise_bits, budget: found.budget_bits, depth: found.depth })
        }
    }
}

/// Everything in lines to read.
fn text(manifest: &Manifest, policy: &Policy, bound: &Bound, plan: &Plan, e: &Explanation) -> Vec<String> {
    let mut lines = understood(manifest, &bound.query);
    lines.push("layouts:".to_owned());
    for considered in &e.considered {
        let units = considered.units.map(|units| format!(" ({units} units)")).unwrap_or_default();
        lines.push(format!("  {}{units}: {}", planner::name(considered.layout), considered.reason));
    }
    lines.push(format!("program, {} ({}):", planner::name(e.layout), e.parameter_set));
    lines.extend(steps::lines(manifest, &plan.program).into_iter().map(|line| format!("  {line}")));
    let c = e.operations;
    lines.push("cost:".to_owned());
    lines.push(match e.layout {
        LayoutKind::Rollup => format!("  {} ciphertexts expanded, {} cells added up", c.loads, c.cells),
        LayoutKind::Scan => format!(
            "  {} slices read, {} additions, {} multiplications ({} factors extended, {} moduli), {} \
             relinearisations, no rotations, {} outputs",
            c.loads,
            c.additions,
            c.multiplications,
            c.extensions,
            c.moduli,
            c.relinearisations + c.product_sums,
            c.slot_sums + c.product_sums
        ),
    });
    lines.push(format!(
        "  noise below {} of {} bits, multiplicative depth {}",
        e.noise_bits, e.noise_budget_bits, e.depth
    ));
    lines.push(format!(
        "  {} compute units, about {} ms, {} {}",
        e.units.get(),
        e.expected_ms,
        e.price,
        e.currency
    ));
    lines.push("release:".to_owned());
    lines.push(format!(
        "  {} values of {} groups, epsilon {}",
        e.released_values,
        bound.query.group_count(&manifest.schema),
        e.epsilon
    ));
    lines.extend(notes(manifest, policy, &bound.query).into_iter().map(|line| format!("  {line}")));
    lines.push("after opening, on the buyer's machine:".to_owned());
    lines.extend(after::lines(bound).into_iter().map(|line| format!("  {line}")));
    lines
}

/// How accurate what is released is: what an answer says of its columns, before it is paid for.
fn notes(manifest: &Manifest, policy: &Policy, query: &Query) -> Vec<String> {
    let scales = sordino_protocol::noise::scales(&manifest.schema, query, &policy.noise);
    let columns = answer::columns(&manifest.schema, query, &scales, policy.min_cohort);
    columns.into_iter().filter_map(|column| Some(format!("{}: {}", column.name, column.note?))).collect()
}

/// What the text means.
fn understood(manifest: &Manifest, query: &Query) -> Vec<String> {
    let schema = &manifest.schema;
    let mut lines = vec![format!("rows of {}: {}", schema.table, words::predicate(schema, &query.predicate))];
    for (number, key) in query.groups.iter().enumerate() {
        lines.push(format!("grouping key {number}: {}", words::key(schema, key)));
    }
    lines.push("outputs:".to_owned());
    for output in &query.outputs {
        lines.push(format!("  {}: {}", output.name, words::expression(schema, &output.expression)));
    }
    for (number, score) in query.scores.iter().enumerate() {
        lines.push(format!("score {number}: {}", words::score(schema, score)));
    }
    lines.push("computed for every group:".to_owned());
    lines.extend(computed::lines(schema, query).into_iter().map(|line| format!("  {line}")));
    lines
}

#[cfg(test)]
mod tests {
    use sordino_protocol::{
        layout_plan::{self, RollupBudget},
        money::{Amount, Currency},
        policy::{Epsilon, Noise},
        testing,
    };

    use super::*;
    use crate::sql::samples;

    fn manifest() -> Manifest {
        let schema = samples::schema();
        let rollup = layout_plan::rollup(&schema, 1_000, &RollupBudget::default());
        let scan = layout_plan::scan(&schema, 1_000);
        testing::manifest(schema, 1_000, Some(rollup), Some(scan), &[1_000])
    }

    fn explained(sql: &str, layout: Option<LayoutKind>) -> Result<Explanation, ExplainError> {
        explained_under(&Policy::default(), sql, layout)
    }

    fn explained_under(
        policy: &Policy,
        sql: &str,
        layout: Option<LayoutKind>,
    ) -> Result<Explanation, ExplainError> {
        let price = Price {
            currency: "EUR".parse::<Currency>().expect("a currency"),
            per_query: Amount::minor(50),
            per_value: Amount::minor(1),
            per_million_units: Amount::minor(2),
        };
        let manifest = manifest();
        let facts = Facts { manifest: &manifest, policy, price: &price, units_per_second: 1_000_000, layout };
        explain(facts, Question::Sql(sql.to_owned()))
    }

    #[test]
    fn an_explanation_says_what_is_read_computed_and_shown() {
        let sql = "EXPLAIN SELECT housing, 100 * AVG(credit_amount) AS a FROM german_credit \
                   WHERE age_in_years >= 30 GROUP BY housing HAVING COUNT(*) > 3 ORDER BY 2 DESC LIMIT 2";
        for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
            let found = explained(sql, Some(layout)).expect("an explanation");
            assert_eq!(found.layout, layout);
            assert!(found.noise_bits < found.noise_budget_bits && !found.reads.is_empty());
            assert_eq!(found.operations.units(found.parameter_set), found.units);
            assert_eq!(found.released_values, 6, "rows and sum of three groups");
            let text = found.text.join("\n");
            for expected in [
                "age_in_years in {30 to 75}",
                "grouping key 0: housing",
                "sum of credit_amount",
                "keep groups where count(*) > 3",
                "show a = 100 * avg(credit_amount)",
                "sort by 100 * avg(credit_amount), descending",
                "show at most 2",
            ] {
                assert!(text.contains(expected), "{expected} in\n{text}");
            }
        }
        let scan = explained(sql, Some(LayoutKind::Scan)).expect("an explanation");
        assert!(scan.steps > 0 && scan.depth > 0);
        assert!(
            scan.text.iter().any(|line| line.contains("slice: value of credit_amount")),
            "{:#?}",
            scan.text
        );
    }

    #[test]
    fn an_explanation_says_how_accurate_ranks_are() {
        let sql = "SELECT MIN(age_in_years) AS youngest, MEDIAN(duration_in_month) AS usual, \
                   COUNT(DISTINCT housing) AS kinds, COUNT(*) AS n FROM german_credit";
        let noise =
            Noise::DiscreteGaussian { epsilon_per_query: Epsilon::millionths(1_000_000), delta_exponent: 6 };
        let lines = |noise| {
            let policy = Policy { noise, ..Policy::default() };
            let found = explained_under(&policy, sql, None).expect("an explanation");
            found.text.into_iter().filter(|line| line.contains(": ")).collect::<Vec<_>>().join("\n")
        };
        let exact = lines(Noise::None);
        assert!(exact.contains("youngest: the smallest value that 10 rows do not exceed"), "{exact}");
        assert!(exact.contains("usual: resolution: ") && !exact.contains("noised"), "{exact}");
        let noised = lines(noise);
        for expected in [
            "youngest: the smallest value with a noised count of at least 45",
            "kinds: only values with a noised count of at least 37",
            "; by noised counts: its rank may be up to 65 rows off",
        ] {
            assert!(noised.contains(expected), "{expected} in\n{noised}");
        }
    }

    #[test]
    fn what_is_not_answered_is_not_explained() {
        let error =
            explained("EXPLAIN SELECT MIN(credit_amount) FROM german_credit", None).expect_err("refused");
        assert!(matches!(error, ExplainError::Ask(AskError::Sql(_))), "{error}");
    }
}
