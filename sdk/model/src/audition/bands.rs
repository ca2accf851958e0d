//! Auditions of classifiers of two classes whose score is cut by a threshold: counts of rows by label and
//! by band of the score, from layout `score`.
//!
//! The score is what the model adds up: for one raw score itself, for two the second less the first. The
//! rows on either side of the model's threshold are counted by themselves, so the confusion matrix is
//! exact; bands divide the range evenly and give the curves, of those that a cohort stands behind.

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    answer::Answer,
    digest::Digest,
    predicate::Predicate,
    query::{Expression, GroupKey, Output, Query, score::MAX_LEVELS},
    schema::{ColumnId, Schema},
};

use super::{Audition, AuditionError, ReadError, Reading, classes, confusion, scores};
use crate::{
    metrics::{Bounds, CalibrationBin, LiftDecile, RocPoint, ScoreHistogram, calibration, count, log_loss},
    model::{Link, sigmoid},
    quantised::{Quantised, unit},
};

/// Bands that the range of a score is divided into, besides the one edge that the model has.
const BANDS: i64 = 32;

/// How counts of bands become metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreReading {
    /// Labels of the two classes.
    pub classes: Vec<String>,
    /// The class of each code of the label; `None` where the model knows no such class.
    pub actual: Vec<Option<usize>>,
    /// Names of the groups; none without grouping.
    pub groups: Option<Vec<String>>,
    /// Edges of the bands, ascending, in integers; one more than there are bands.
    pub edges: Vec<i64>,
    /// The first score with which rows are predicted to be of the second class.
    pub threshold: i64,
    /// Among the released values, the rows below the threshold and those from it on; none where no score
    /// lies.
    pub sides: [Option<usize>; 2],
    /// Among the released values, the rows of each band.
    pub bands: Vec<usize>,
    /// A score of the model is the integer divided by `2^fraction_bits`.
    pub fraction_bits: i32,
    /// Whether the probability of the second class is the sigmoid of the score.
    pub is_logit: bool,
}

/// How well scores order rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// The area under the ROC curve: rows of one band may stand in either order.
    pub auc: Option<Bounds>,
    /// From no row called positive to all.
    pub roc: Vec<RocPoint>,
    /// By tenths of the rows.
    pub lift: Vec<LiftDecile>,
    /// Predicted against observed, where scores are log odds.
    pub calibration: Vec<CalibrationBin>,
    /// The mean negative log likelihood, where scores are log odds.
    pub log_loss: Option<Bounds>,
    /// Bands that are withheld; with any, the above is of the rows that are shown.
    pub bands_withheld: usize,
}

pub(super) fn plan(
    model: &Quantised,
    schema: &Schema,
    dataset: Digest,
    label: ColumnId,
    by: Option<ColumnId>,
) -> Result<Audition, AuditionError> {
    let actual = classes::actual(model, schema, label)?;
    let (score, at) = scores::of_two(model, schema)?;
    let levels = score.levels();
    if levels > MAX_LEVELS {
        return Err(AuditionError::Levels { levels });
    }
    let (low, high) = score.bounds();
    let mut edges: Vec<i64> = (0..=BANDS).map(|band| low + (high + 1 - low) * band / BANDS).collect();
    // Rows above the threshold are of the second class.
    edges.push((at + 1).clamp(low, high + 1));
    edges.sort_unstable();
    edges.dedup();
    let threshold = (at + 1).clamp(low, high + 1);
    let mut groups = vec![GroupKey::Codes(label)];
    groups.extend(by.map(GroupKey::Codes));
    let names = [label].into_iter().chain(by).map(|id| schema.column(id).name.clone());
    let shown = |(position, name): (u16, String)| Output { name, expression: Expression::Group(position) };
    let mut outputs: Vec<Output> = (0u16..).zip(names).map(shown).collect();
    let band = |name: &str, from: i64, to: i64| Output {
        name: format!("{name} {from} to {to}"),
        expression: Expression::Band { score: 0, from, to, when: Predicate::All },
    };
    let sides = [("first class,", low, threshold), ("second class,", threshold, high + 1)];
    let keys = outputs.len();
    outputs.extend(sides.iter().filter(|side| side.1 < side.2).map(|side| band(side.0, side.1, side.2)));
    let first_band = outputs.len();
    outputs.extend(edges.windows(2).map(|pair| band("score", pair[0], pair[1])));
    let query = Query { dataset, outputs, predicate: Predicate::All, groups, scores: vec![score] };
    // A band that is all of a side is released once.
    let positions: Vec<usize> = query.requirements(schema).outputs.into_iter().flatten().collect();
    let (of_sides, bands) = positions.split_at((first_band - keys).min(positions.len()));
    let mut of_sides = of_sides.iter().copied();
    let sides = sides.map(|side| if side.1 < side.2 { of_sides.next() } else { None });
    let reading = ScoreReading {
        classes: model.classes.clone(),
        actual,
        groups: by.map(|by| classes::group_names(schema, by)),
        edges,
        threshold,
        sides,
        bands: bands.to_vec(),
        fraction_bits: model.fraction_bits,
        is_logit: matches!(model.link, Link::Sigmoid | Link::Softmax),
    };
    Ok(Audition { query, reading: Reading::Scores(reading) })
}

/// From released counts to a confusion matrix and curves.
pub(super) fn read(reading: &ScoreReading, answer: &Answer) -> Result<confusion::Classification, ReadError> {
    let of_groups = reading.groups.as_ref().map_or(1, Vec::len);
    if answer.groups.len() != reading.actual.len() * of_groups
        || reading.bands.len() + 1 != reading.edges.len()
    {
        return Err(ReadError::NotThis("it has another number of groups or bands"));
    }
    let mut matrices = confusion::Matrices::new(reading.classes.len(), of_groups);
    let (mut by_class, mut hidden) = (vec![vec![0i64; reading.bands.len()]; 2], 0);
    for (index, group) in answer.groups.iter().enumerate() {
        let actual = reading.actual[index / of_groups];
        let shown = |position: usize| match &group.values {
            None => Ok(None),
            Some(values) => values.get(position).copied().ok_or(ReadError::NotThis("a count is missing")),
        };
        let ends = [reading.edges[0], reading.threshold, reading.edges[reading.bands.len()]];
        for (predicted, side) in reading.sides.iter().enumerate() {
            let Some(side) = side else { continue };
            let levels = ends[predicted + 1].abs_diff(ends[predicted]) as usize;
            matrices.add(index % of_groups, actual, predicted, (shown(*side)?, levels));
        }
        let Some(rows) = actual.and_then(|class| by_class.get_mut(class)) else { continue };
        for (rows, band) in rows.iter_mut().zip(&reading.bands) {
            let shown = shown(*band)?;
            *rows += shown.unwrap_or(0);
            // With a cohort of one, what is not shown is 0.
            hidden += usize::from(shown.is_none() && answer.min_cohort > 1);
        }
    }
    let mut found = matrices.finish(&reading.classes, reading.groups.as_deref(), answer)?;
    let positives = by_class.pop().unwrap_or_default();
    let negatives = by_class.pop().unwrap_or_default();
    found.ranking = ranking(reading, negatives, positives, hidden)?;
    Ok(found)
}

fn ranking(
    reading: &ScoreReading,
    negatives: Vec<i64>,
    positives: Vec<i64>,
    bands_withheld: usize,
) -> Result<Option<Ranking>, ReadError> {
    let unit = unit(reading.fraction_bits);
    let edge = |edge: &i64| {
        let score = *edge as f64 * unit;
        if reading.is_logit { sigmoid(score) } else { score }
    };
    let mut edges: Vec<f64> = reading.edges.iter().map(edge).collect();
    // Far from 0 probabilities are 0 or 1 to the last bit; edges have to differ.
    let distinct = edges.windows(2).all(|pair| pair[0] < pair[1]);
    if !distinct {
        edges = reading.edges.iter().map(|edge| *edge as f64 * unit).collect();
    }
    let (no, yes) =
        (negatives.iter().map(|n| count(*n)).sum::<f64>(), positives.iter().map(|n| count(*n)).sum::<f64>());
    if no <= 0.0 || yes <= 0.0 {
        return Ok(None);
    }
    let tied: f64 =
        negatives.iter().zip(&positives).map(|(no, yes)| count(*no) * count(*yes)).sum::<f64>() / (no * yes);
    let histogram = ScoreHistogram::new(edges, negatives, positives)?;
    let middle = histogram.auc()?;
    let odds = reading.is_logit && distinct;
    Ok(Some(Ranking {
        auc: Some(Bounds { lower: middle - tied / 2.0, upper: middle + tied / 2.0 }),
        roc: histogram.roc()?,
        lift: histogram.lift()?,
        calibration: if odds { calibration(&histogram)? } else { Vec::new() },
        log_loss: odds.then(|| log_loss(&histogram)).transpose()?,
        bands_withheld,
    }))
}
