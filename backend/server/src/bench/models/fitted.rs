//! Auditions of models that scikit-learn, XGBoost and LightGBM fitted to real tables. The models are
//! fixtures of `sdk/model`, so none was made for this.

use serde::Deserialize;
use serde_json::Value;
use sordino_model::{
    audition::{self, Chosen, Subject},
    import,
    limits::Limits,
    model::Model,
    preflight,
};
use sordino_protocol::{
    digest::Digest,
    layout_plan::{Budget, RollupBudget},
};

use super::{
    Size, auditions,
    case::{Case, Details},
    encrypted::{Encrypted, Party},
    tables::{Numbers, Rows},
};

/// A fitted model, and the column of a table that it predicts.
struct Fitted {
    name: &'static str,
    table: &'static str,
    label: &'static str,
    /// Buckets of a column of numbers; none for what `sordino schema infer` proposes. The cells of a
    /// sum of trees are many, unless buckets are few.
    buckets: Option<usize>,
    fixture: &'static str,
}

impl Fitted {
    /// Some models have their table in their name.
    fn case(&self) -> String {
        if self.name.ends_with(self.table) {
            return format!("audition_{}", self.name);
        }
        format!("audition_{}_{}", self.name, self.table)
    }
}

macro_rules! fitted {
    ($name:literal, $table:literal, $label:literal) => {
        fitted!($name, $table, $label, None)
    };
    ($name:literal, $table:literal, $label:literal, $buckets:expr) => {
        Fitted {
            name: $name,
            table: $table,
            label: $label,
            buckets: $buckets,
            fixture: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../sdk/model/tests/fixtures/",
                $name,
                ".json"
            )),
        }
    };
}

const FITTED: [Fitted; 16] = [
    fitted!("scorecard", "german_credit", "creditability"),
    fitted!("tree_german_credit", "german_credit", "creditability"),
    fitted!("categorical_nb", "german_credit", "creditability"),
    fitted!("logistic_german_credit", "german_credit", "creditability"),
    fitted!("logistic_breast_cancer", "breast_cancer", "diagnosis"),
    fitted!("linear_svm", "breast_cancer", "diagnosis"),
    fitted!("gaussian_nb", "breast_cancer", "diagnosis"),
    fitted!("decision_tree", "breast_cancer", "diagnosis"),
    fitted!("hist_gradient_boosting", "breast_cancer", "diagnosis", Some(8)),
    fitted!("linear_regression", "breast_cancer", "worst_perimeter"),
    fitted!("ridge", "breast_cancer", "worst_perimeter"),
    fitted!("decision_tree_regressor", "breast_cancer", "worst_perimeter"),
    fitted!("logistic_imputed", "actg175", "cens"),
    fitted!("tree_missing", "actg175", "cens"),
    fitted!("xgboost_missing", "actg175", "cens", Some(4)),
    fitted!("lightgbm_missing", "actg175", "cens", Some(4)),
];

#[derive(Deserialize)]
struct Fixture {
    export: Value,
}

pub(super) fn measure(
    party: &mut Party,
    size: &Size,
    report: &mut dyn FnMut(Case) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for fitted in FITTED.iter().take(if size.few { 1 } else { FITTED.len() }) {
        if size.wants(&fitted.case()) {
            report(one(party, fitted).map_err(|error| error.context(fitted.name))?)?;
        }
    }
    Ok(())
}

fn one(party: &mut Party, fitted: &Fitted) -> anyhow::Result<Case> {
    let fixture: Fixture = serde_json::from_str(fitted.fixture)?;
    let model = import::any(fixture.export.to_string().as_bytes(), None, &Limits::default())?;
    // The owner publishes what the model reads, and the label.
    let mut columns: Vec<&str> = model.inputs.iter().map(|input| input.name.as_str()).collect();
    columns.push(fitted.label);
    let rows = match fitted.buckets {
        None => Rows::inferred(fitted.table, &columns)?,
        Some(buckets) => Rows::published(fitted.table, &columns, fitted.label, Numbers::Buckets(buckets))?,
    };
    audition(party, fitted.case(), &model, &rows, fitted.label)
}

/// How well a model predicts a column of a table in which the owner publishes all that can be.
pub(super) fn audition(
    party: &mut Party,
    case: String,
    model: &Model,
    rows: &Rows,
    label: &str,
) -> anyhow::Result<Case> {
    let label = rows.schema.find(label).ok_or_else(|| anyhow::anyhow!("the label is no column"))?;
    let dataset = Digest::from_bytes([0; 32]);
    let subject = Subject { dataset, rows: rows.coded.rows as u64, label, by: None, is_hidden: false };
    let budget = Budget { max_upload: None, rollup: Some(RollupBudget::default()), scan: true, score: true };
    let mut world = Encrypted::new(&rows.schema, rows.coded.clone(), &budget)?;
    let chosen = choose(model, &world, subject)?;
    let (integers, audition) = (&chosen.outcome.model, &chosen.audition);
    let trial = auditions::Trial { case, goal_s: None, model: integers, audition, label, repeats: 1 };
    let mut case = auditions::measure(&mut world, party, trial)?;
    against_floating_point(&mut case, model, rows, &chosen);
    Ok(case)
}

/// The best audition that some layout answers, as a client finds it.
fn choose(model: &Model, world: &Encrypted, subject: Subject) -> anyhow::Result<Chosen> {
    let schema = world.schema();
    let finest = audition::choose(model, schema, subject)?;
    if world.answers(&finest.audition.query) {
        return Ok(finest);
    }
    let mut others = audition::alternatives(&finest, model, schema, subject);
    Ok(others.find(|chosen| world.answers(&chosen.audition.query)).unwrap_or(finest))
}

/// How far the integers are from the model in floating point, and how far the preflight says they may
/// be. Rows that miss a value the model needs are left out.
fn against_floating_point(case: &mut Case, model: &Model, rows: &Rows, chosen: &Chosen) {
    let found = preflight::preflight(model, &rows.schema, &rows.cells, &chosen.options);
    let worst = |errors: &Option<Vec<f64>>| Some(errors.as_ref()?.iter().copied().fold(0.0, f64::max));
    let report = &chosen.outcome.report;
    let stated = worst(&report.rounding).zip(worst(&report.buckets)).map(|(one, other)| one + other);
    if let Details::Audition(details) = &mut case.details {
        details.equal_classes = found.rows.as_ref().and_then(|rows| rows.equal_classes);
        details.score_difference = found.rows.as_ref().map(|rows| rows.max_score_difference);
        details.stated_difference = stated;
        if let (Some(found), Some(stated)) = (details.score_difference, stated) {
            // Some libraries add trees up in single precision.
            case.exact &= found <= stated * (1.0 + 1e-6) + 1e-6;
        }
    }
}
