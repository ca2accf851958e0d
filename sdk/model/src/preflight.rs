//! Before anything is uploaded or paid: whether a model can be evaluated on a table, what it reads, how
//! far the integers are from the floating-point model on sandbox rows, and what to change.

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    coded::CodedTable,
    schema::{Column, Domain, Schema},
};

use crate::{
    float::{self, Outcome as FloatOutcome},
    model::{Estimator, Input, Kind, Model},
    quantise::{self, Mapped, Options, Outcome, Problem, QuantiseError, Report},
    quantised,
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

/// Integers against floating point, row by row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Rows compared.
    pub rows: usize,
    /// Rows that the schema or the model refuses.
    pub refused: usize,
    /// Why the first of them was refused.
    pub first_refusal: Option<String>,
    /// Largest difference of a score, in units of the score.
    pub max_score_difference: f64,
    /// Mean difference of a score.
    pub mean_score_difference: f64,
    /// Fraction of rows with the same class; `None` for a model that predicts a number.
    pub equal_classes: Option<f64>,
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
            let compared = compare(model, schema, rows, &outcome, options);
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

fn compare(
    model: &Model,
    schema: &Schema,
    rows: &[Vec<Option<String>>],
    outcome: &Outcome,
    options: &Options,
) -> Comparison {
    let difference = options.of_two(model).map(|(factors, _)| factors);
    let mut found = Comparison::default();
    let (mut sum, mut scores, mut equal) = (0.0, 0usize, 0usize);
    for row in rows {
        let (float, integer) = match both(model, schema, row, outcome) {
            Ok(both) => both,
            Err(reason) => {
                found.refused += 1;
                found.first_refusal.get_or_insert(reason);
                continue;
            }
        };
        found.rows += 1;
        let floats = match (difference, float.scores.as_slice()) {
            // Scores are not told.
            _ if options.classes_only => Vec::new(),
            (Some(factors), [first, second]) => vec![factors[0] * first + factors[1] * second],
            _ => float.scores.clone(),
        };
        for (integer, float) in outcome.model.scores(&integer.scores).iter().zip(&floats) {
            let difference = (integer - float).abs();
            found.max_score_difference = found.max_score_difference.max(difference);
            sum += difference;
            scores += 1;
        }
        if let FloatOutcome::Class { class, .. } = float.outcome {
            equal += usize::from(integer.class == Some(class));
        }
    }
    if found.rows > 0 {
        found.mean_score_difference = sum / scores.max(1) as f64;
        let classes = !model.classes.is_empty();
        found.equal_classes = classes.then(|| equal as f64 / found.rows as f64);
    }
    found
}

type Both = (float::Prediction, quantised::IntegerPrediction);

fn both(model: &Model, schema: &Schema, row: &[Option<String>], outcome: &Outcome) -> Result<Both, String> {
    if row.len() != schema.columns.len() {
        return Err(format!("{} cells, the schema has {} columns", row.len(), schema.columns.len()));
    }
    let cells: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
    let mut table = CodedTable::new(schema);
    table.push(schema, 1, &cells).map_err(|error| error.to_string())?;
    let float =
        float::evaluate(model, &self::row(model, schema, &cells)).map_err(|error| error.to_string())?;
    let integer = quantised::evaluate(&outcome.model, &table, 0).map_err(|error| error.to_string())?;
    Ok((float, integer))
}

/// What would make the integers follow the model more closely.
fn advice(outcome: &Outcome, compared: &Comparison, options: &Options) -> Vec<String> {
    let mut advice: Vec<String> = outcome.report.cuts.iter().take(10).map(ToString::to_string).collect();
    if outcome.report.cuts.len() > 10 {
        advice.push(format!("{} more thresholds fall inside buckets", outcome.report.cuts.len() - 10));
    }
    let worst = |errors: &Option<Vec<f64>>| errors.iter().flatten().copied().fold(0.0, f64::max);
    let (rounding, buckets) = (worst(&outcome.report.rounding), worst(&outcome.report.buckets));
    if buckets > 0.0 && buckets > rounding {
        advice.push(format!(
            "a score may be off by {buckets:.3} because buckets stand for all their values: ask for narrower ones, or \
             prefer measures"
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
