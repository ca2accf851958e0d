//! An audition: how well a model predicts the rows of an encrypted table, told in metrics only.
//!
//! A disclosed model is a query in disguise. [`plan`] compiles it to a [`Query`]: counts by predicted and
//! actual class, by bands of a score, or by cluster, or sums of squared errors. Models of few inputs are
//! tabulated; of others, scores of few levels are compared under encryption. What holds for queries then
//! holds for auditions: price, verification by the gate, cohort, noise, receipt. [`metrics`] turns the opened
//! answer into metrics.
//!
//! Both are pure. The predictions are those of [`crate::quantised::evaluate`], row by row.

mod bands;
mod cells;
mod choose;
mod classes;
mod clusters;
mod components;
mod confusion;
mod errors;
mod intervals;
mod joint;
mod levels;
mod means;
mod numbers;
mod scores;
mod squares;
mod sums;

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    answer::Answer,
    digest::Digest,
    query::{Query, QueryError},
    schema::{ColumnId, Schema},
};

pub use self::{
    bands::{Ranking, ScoreReading},
    choose::{ChooseError, Chosen, Subject, alternatives, choose},
    classes::ClassReading,
    clusters::{ClusterReading, ClusterTable, Clustering},
    confusion::{Classification, ClassificationGroup, IntervalMetrics, StandardErrors},
    errors::{AuditionError, ReadError},
    levels::LevelReading,
    means::MeanReading,
    numbers::{Regression, RegressionGroup},
    squares::{NumberReading, SquareTerm},
};
use crate::{model::Link, quantised::Quantised};

/// The most leaves, or cells of inputs, that a prediction may be made of.
pub const MAX_CELLS: usize = 256;
/// The most combinations of what a model tells apart in its inputs that are tabulated.
pub const MAX_JOINT: usize = 1_024;

/// What to ask, and how to read the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audition {
    /// The question.
    pub query: Query,
    /// What its answer means.
    pub reading: Reading,
}

/// How an answer is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reading {
    /// Counts by predicted class, label, and group.
    Classes(ClassReading),
    /// Counts by cluster, label, and group.
    Clusters(ClusterReading),
    /// Counts by band of a score and label, and group.
    Scores(ScoreReading),
    /// Sums of errors, by group.
    Numbers(NumberReading),
    /// Counts by level of a score, label, and group.
    Levels(LevelReading),
    /// Sums by predicted number, and group.
    Means(MeanReading),
}

/// How well a model predicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Metrics {
    /// It predicts a class.
    Classification(Box<Classification>),
    /// It tells clusters apart.
    Clustering(Clustering),
    /// It predicts a number.
    Regression(Regression),
}

/// Compiles an audition of a model over a valid schema: of its predictions of the subject's label.
///
/// # Errors
/// What keeps the model from being evaluated by a query, and what would be possible.
pub fn plan(model: &Quantised, schema: &Schema, subject: Subject) -> Result<Audition, AuditionError> {
    compile(model, schema, subject, Way::Best)
}

/// How predictions are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By conditions of codes or sums of errors, and else by scores.
    Best,
    /// By the levels of scores, even where there is another way.
    Scores,
}

/// As [`plan`], in a way.
fn compile(
    model: &Quantised,
    schema: &Schema,
    subject: Subject,
    way: Way,
) -> Result<Audition, AuditionError> {
    let Subject { dataset, label, by, is_hidden, rows: _ } = subject;
    let name = |id: ColumnId| schema.column(id).name.clone();
    if model.columns().contains(&label) || by == Some(label) {
        return Err(AuditionError::LabelIsInput { label: name(label) });
    }
    if let Some(by) = by
        && schema.column(by).dimension.is_none()
    {
        return Err(AuditionError::GroupIsNoDimension { column: name(by) });
    }
    let audition = if model.classes.is_empty() {
        match way {
            _ if is_hidden => Err(AuditionError::HiddenNumber),
            Way::Best => of_numbers(model, schema, dataset, label, by),
            Way::Scores => levels::plan(model, schema, dataset, label, by),
        }
    } else {
        let has_curves = model.classes.len() == 2 && model.link != Link::Smallest && !is_hidden;
        let of_score = || bands::plan(model, schema, dataset, label, by);
        match (way, has_curves) {
            (Way::Scores, true) => of_score(),
            (Way::Scores, false) => classes::plan(model, schema, subject, classes::By::Score),
            (Way::Best, true) => match classes::plan(model, schema, subject, classes::By::Conditions) {
                // Counted by the levels of the score, where they are few enough.
                Err(AuditionError::Threshold { .. } | AuditionError::TooManyCells { .. }) => of_score(),
                planned => planned,
            },
            (Way::Best, false) => classes::plan(model, schema, subject, classes::By::Either),
        }
    }?;
    audition.query.check_labels()?;
    audition.query.validate(schema)?;
    audition.query.check_size(schema)?;
    Ok(audition)
}

/// The first of the ways that a predicted number can be judged: as a sum, by what is predicted, by the
/// levels of its score.
fn of_numbers(
    model: &Quantised,
    schema: &Schema,
    dataset: Digest,
    label: ColumnId,
    by: Option<ColumnId>,
) -> Result<Audition, AuditionError> {
    use AuditionError::{NetworkOfManyInputs, NotTabulated, TooManyCells, TooManyParts};
    let sized = |audition: Audition| audition.query.check_size(schema).map(|()| audition).map_err(Into::into);
    let by_levels = |refused| match levels::plan(model, schema, dataset, label, by) {
        // What a network adds up are no columns.
        Err(NetworkOfManyInputs) => Err(refused),
        planned => planned,
    };
    if !means::is_needed(model) {
        match squares::plan(model, schema, dataset, label, by).and_then(sized) {
            Err(
                TooManyCells { .. } | TooManyParts { .. } | AuditionError::Query(QueryError::Parts { .. }),
            ) => {}
            planned => return planned,
        }
    }
    match means::plan(model, schema, dataset, label, by).and_then(sized) {
        Err(refused @ (NotTabulated { .. } | AuditionError::Query(QueryError::Parts { .. }))) => {
            by_levels(refused)
        }
        planned => planned,
    }
}

/// Checks that no sum over so many rows leaves 64 bits.
///
/// # Errors
/// When the model's integers are too fine for them.
pub fn check_rows(audition: &Audition, schema: &Schema, rows: u64) -> Result<(), AuditionError> {
    for quantity in audition.query.requirements(schema).quantities {
        let (low, high) = quantity.range(schema);
        let most = low.unsigned_abs().max(high.unsigned_abs()).saturating_mul(u128::from(rows));
        if most >= 1 << 63 {
            return Err(AuditionError::TooFine);
        }
    }
    Ok(())
}

/// Turns the opened answer of an audition into metrics.
///
/// # Errors
/// When the answer is not one of this audition, or everything in it is withheld.
pub fn metrics(audition: &Audition, answer: &Answer) -> Result<Metrics, ReadError> {
    match &audition.reading {
        Reading::Classes(reading) => {
            confusion::read(reading, answer).map(Box::new).map(Metrics::Classification)
        }
        Reading::Clusters(reading) => clusters::read(reading, answer).map(Metrics::Clustering),
        Reading::Scores(reading) => bands::read(reading, answer).map(Box::new).map(Metrics::Classification),
        Reading::Levels(reading) => levels::read(reading, answer).map(Metrics::Regression),
        Reading::Means(reading) => means::read(reading, answer).map(Metrics::Regression),
        Reading::Numbers(reading) => numbers::read(reading, answer).map(Metrics::Regression),
    }
}
