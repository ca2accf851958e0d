//! Before anything is uploaded or paid: whether a model can be evaluated on a table, what it reads, how
//! far the integers are from the floating-point model on sandbox rows, and what to change.

mod compare;
mod likely;

use serde::{Deserialize, Serialize};
use sordino_protocol::schema::{Column, Domain, Schema};

pub use self::compare::Comparison;
use crate::{
    model::{Estimator, Input, Kind, Model},
    quantise::{self, Mapped, Options, Outcome, Problem, QuantiseError, Report},
    scalar::Scalar,
};

/// What a preflight found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preflight {
    /// What the model is called.
    pub kind: Kind,
    /// Its size.
    pub size: Size,
    /// Which column each input reads; empty where one has none.
    pub inputs: Vec<Mapped>,
    /// What keeps it from being evaluated; empty when it can be.
    pub problems: Vec<Problem>,
    /// Why the numbers do not fit, if that is the reason.
    pub failure: Option<String>,
    /// How far the integers may be off, whatever the rows are.
    pub report: Option<Report>,
    /// Fraction bits of the integer scores.
    pub fraction_bits: Option<i32>,
    /// How far they are off on the rows given.
    pub rows: Option<Comparison>,
    /// What would make it better, in sentences.
    pub advice: Vec<String>,
}

/// How large a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Numbers that the estimator sees.
    pub features: usize,
    /// Classes or clusters; 0 for a number.
    pub classes: usize,
    /// Trees.
    pub trees: usize,
    /// Leaves of all trees.
    pub leaves: usize,
    /// Splits on the longest path.
    pub depth: usize,
}

impl Preflight {
    /// Whether the model can be evaluated on the table.
    pub const fn is_supported(&self) -> bool {
        self.problems.is_empty() && self.failure.is_none()
    }
}

/// Looks at a valid model over a valid schema; `rows` have one text per column of the schema, `None` for
/// no value, as a source has them.
pub fn preflight(
    model: &Model,
    schema: &Schema,
    rows: &[Vec<Option<String>>],
    options: &Options,
) -> Preflight {
    let mut found = Preflight {
        kind: model.kind(),
        size: size(model),
        inputs: quantise::map(model, schema, options.prefer).unwrap_or_default(),
        problems: Vec::new(),
        failure: None,
        report: None,
        fraction_bits: None,
        rows: None,
        advice: Vec::new(),
    };
    match quantise::quantise(model, schema, options) {
        Ok(outcome) => {
            let compared = compare::compare(model, schema, rows, &outcome, options);
            found.advice = advice(&outcome, &compared, options);
            found.fraction_bits = Some(outcome.model.fraction_bits);
            found.report = Some(outcome.report);
            found.rows = (!rows.is_empty()).then_some(compared);
        }
        Err(QuantiseError::Problems(problems)) => {
            found.advice = problems.iter().map(ToString::to_string).collect();
            found.problems = problems;
        }
        Err(error) => {
            found.advice = vec![error.to_string()];
            found.failure = Some(error.to_string());
        }
    }
    found
}

fn size(model: &Model) -> Size {
    let mut size = Size { features: model.features.len(), classes: model.classes.len(), ..Size::default() };
    if let Estimator::Trees { trees, .. } = &model.estimator {
        size.trees = trees.len();
        size.leaves = trees.iter().map(crate::model::Tree::leaves).sum();
        size.depth = trees.iter().map(crate::model::Tree::depth).max().unwrap_or(0);
    }
    size
}

/// The inputs of a model from a row with one text per column of the schema; no value for an input that
/// has no column.
pub fn row(model: &Model, schema: &Schema, cells: &[Option<&str>]) -> Vec<Scalar> {
    let value = |input: &Input| {
        let column = schema.find(&input.name);
        let cell = column.and_then(|id| cells.get(id.index()).copied().flatten());
        column.map_or(Scalar::Null, |id| scalar(schema, schema.column(id), cell))
    };
    model.inputs.iter().map(value).collect()
}

/// The value of a cell as a model sees it; booleans in one spelling.
fn scalar(schema: &Schema, column: &Column, cell: Option<&str>) -> Scalar {
    let cell = cell.filter(|text| !schema.is_null(text));
    match (&column.dimension, cell) {
        (Some(domain @ Domain::Boolean), Some(text)) => {
            Scalar::from_cell(domain.encode(text).ok().and_then(|code| domain.label(code)).as_deref())
        }
        _ => Scalar::from_cell(cell),
    }
}

/// What would make the integers follow the model more closely.
fn advice(outcome: &Outcome, compared: &Comparison, options: &Options) -> Vec<String> {
    let mut advice: Vec<String> = outcome.report.cuts.iter().take(10).map(ToString::to_string).collect();
    if outcome.report.cuts.len() > 10 {
        advice.push(format!("{} more thresholds fall inside buckets", outcome.report.cuts.len() - 10));
    }
    let worst = |errors: &Option<Vec<f64>>| errors.iter().flatten().copied().fold(0.0, f64::max);
    let (rounding, buckets) = (worst(&outcome.report.rounding), worst(&outcome.report.buckets));
    // Of trees, the thresholds above say it.
    if buckets > rounding && outcome.report.cuts.is_empty() {
        // Sums of few levels cannot read measures.
        let or = if options.levels.is_some() { "" } else { ", or prefer measures" };
        advice.push(format!(
            "a score may be off by {buckets:.3} because buckets stand for all their values: narrower ones would be \
             closer{or}"
        ));
    }
    if compared.equal_classes.is_some_and(|equal| equal < 0.99) {
        let which = match outcome.report.rounding {
            Some(_) if options.levels.is_some() && rounding >= buckets => {
                "fit the network on fewer inputs or with stronger regularisation, so that its sums are coarse \
                 with less harm"
            }
            Some(_) if rounding >= buckets => "use more bits for scores",
            Some(_) => "ask for narrower buckets",
            None => "use more bits for the tables of the network",
        };
        advice.push(format!(
            "{:.1} % of the rows get the same class as in floating point: {which} (now {:?}, {} table bits)",
            100.0 * compared.equal_classes.unwrap_or(0.0),
            options.resolution,
            options.table_bits
        ));
    }
    if let Some(reason) = &compared.first_refusal {
        advice.push(format!("{} rows were refused, the first because: {reason}", compared.refused));
    }
    advice
}
