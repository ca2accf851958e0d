//! From released counts to a confusion matrix and what follows from it.
//!
//! A withheld cell is no zero. Where cells are withheld, every metric is an interval: the cell has any
//! number of rows below the owner's cohort. Where there is noise, standard errors say how far it moves
//! a metric (first order; noise of cells is independent).

use serde::{Deserialize, Serialize};
use sordino_protocol::{answer::Answer, query::Derivation};

use super::{ClassReading, Ranking, ReadError, intervals::Range};
use crate::metrics::{Bounds, Confusion, ConfusionMetrics, Fairness, GroupMetrics, by_group, count};

/// How many standard deviations of noise a withheld count may be above the cohort.
const TAIL: f64 = 3.0;

/// How well a classifier predicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// Labels of the classes.
    pub classes: Vec<String>,
    /// Standard deviation of the noise of a cell; 0 when counts are exact.
    pub noise: f64,
    /// A withheld cell has fewer rows than this (with noise: a noised count below it).
    pub min_cohort: u32,
    /// All rows together.
    pub all: ClassificationGroup,
    /// By group, where one was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ClassificationGroup>,
    /// Metrics of each group that has all its cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<GroupMetrics>,
    /// How far these groups are apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fairness: Option<Fairness>,
    /// How well scores order rows, where they were counted by band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranking: Option<Ranking>,
}

/// The predictions of some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassificationGroup {
    /// Its name; empty for all rows.
    pub group: String,
    /// Rows by actual, then by predicted class; what is known of withheld cells is not counted.
    pub confusion: Vec<Vec<i64>>,
    /// Which cells of the matrix are withheld, in whole or in part.
    pub withheld: Vec<Vec<bool>>,
    /// How many cells of the answer are withheld.
    pub cells_withheld: usize,
    /// Rows whose label is no class of the model, where shown.
    pub other_labels: i64,
    /// What the matrix says; none where cells are withheld: then there are intervals.
    pub metrics: Option<ConfusionMetrics>,
    /// What can be said for certain of the metrics (up to noise).
    pub intervals: IntervalMetrics,
    /// By noise; none when counts are exact.
    pub standard_errors: Option<StandardErrors>,
}

/// Intervals that hold the metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalMetrics {
    /// Of the rows whose label is a class.
    pub accuracy: Option<Bounds>,
    /// By class.
    pub precision: Vec<Option<Bounds>>,
    /// By class.
    pub recall: Vec<Option<Bounds>>,
    /// By class.
    pub f1: Vec<Option<Bounds>>,
}

/// Standard errors by noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardErrors {
    /// Of the accuracy.
    pub accuracy: Option<f64>,
    /// Of each class's precision.
    pub precision: Vec<Option<f64>>,
    /// Of each class's recall.
    pub recall: Vec<Option<f64>>,
}

/// Cells of one matrix: counts, and how many cells of the answer are withheld in each.
#[derive(Clone)]
struct Cells {
    counts: Vec<Vec<i64>>,
    withheld: Vec<Vec<usize>>,
    /// Cells of the answer in each cell of the matrix: all of them carry noise.
    parts: Vec<Vec<usize>>,
    other_labels: i64,
    others_withheld: usize,
    /// Cells of the answer that are shown.
    shown: usize,
}

pub(super) fn read(reading: &ClassReading, answer: &Answer) -> Result<Classification, ReadError> {
    let classes = reading.classes.len();
    let of_groups = reading.groups.as_ref().map_or(1, Vec::len);
    let (predicted, actual) = (reading.predicted.len(), reading.actual.len());
    if answer.groups.len() != predicted * actual * of_groups {
        return Err(ReadError::NotThis("it has another number of groups"));
    }
    let mut matrices = Matrices::new(classes, of_groups);
    for (index, group) in answer.groups.iter().enumerate() {
        let (at, of_label, of_prediction) =
            (index % of_groups, index / of_groups % actual, index / of_groups / actual);
        let shown = match &group.values {
            None => None,
            Some(values) => *values.get(reading.count).ok_or(ReadError::NotThis("a count is missing"))?,
        };
        let prediction = reading.predicted[of_prediction];
        if prediction >= classes || reading.actual[of_label].is_some_and(|class| class >= classes) {
            return Err(ReadError::NotThis("a class does not exist"));
        }
        matrices.add(at, reading.actual[of_label], prediction, (shown, 1));
    }
    matrices.finish(&reading.classes, reading.groups.as_deref(), answer)
}

/// A matrix for each group, being filled.
pub(super) struct Matrices(Vec<Cells>);

impl Matrices {
    pub(super) fn new(classes: usize, groups: usize) -> Self {
        Self(vec![Cells::new(classes); groups])
    }

    /// Adds what is shown of a cell of the answer, and how many counts that carry noise are in it.
    pub(super) fn add(
        &mut self,
        group: usize,
        actual: Option<usize>,
        predicted: usize,
        (shown, counts): (Option<i64>, usize),
    ) {
        self.0[group].add(actual, predicted, shown, counts);
    }

    pub(super) fn finish(
        self,
        classes: &[String],
        names: Option<&[String]>,
        answer: &Answer,
    ) -> Result<Classification, ReadError> {
        finish(&self.0, classes, names, answer)
    }
}

fn finish(
    cells: &[Cells],
    classes: &[String],
    names: Option<&[String]>,
    answer: &Answer,
) -> Result<Classification, ReadError> {
    if cells.iter().all(Cells::is_withheld) {
        return Err(ReadError::Withheld { min_cohort: answer.min_cohort });
    }
    let noise = noise(answer)?;
    let view = View { noise, most: f64::from(answer.min_cohort.max(1)) - 1.0 + TAIL * noise };
    let all = cells.iter().cloned().reduce(Cells::plus).unwrap_or_else(|| Cells::new(classes.len()));
    let groups: Vec<ClassificationGroup> =
        names.into_iter().flatten().zip(cells).map(|(name, cells)| view.group(name, cells)).collect();
    let whole: Vec<(String, Confusion)> = groups
        .iter()
        .filter(|group| group.metrics.is_some())
        .map(|group| Ok((group.group.clone(), Confusion::new(group.confusion.clone())?)))
        .collect::<Result<_, ReadError>>()?;
    let compared = if whole.is_empty() { None } else { Some(by_group(&whole)?) };
    let (compared, fairness) = compared.map_or((Vec::new(), None), |(groups, gaps)| (groups, Some(gaps)));
    Ok(Classification {
        classes: classes.to_vec(),
        noise,
        min_cohort: answer.min_cohort,
        all: view.group("", &all),
        groups,
        compared,
        fairness,
        ranking: None,
    })
}

/// The standard deviation of the noise of a count.
pub(super) fn noise(answer: &Answer) -> Result<f64, ReadError> {
    let released = answer.released.first().ok_or(ReadError::NotThis("a count is missing"))?;
    match released.from {
        Derivation::Sum(counts) | Derivation::Band { levels: counts, .. } => {
            Ok(answer.noise.get(counts).copied().unwrap_or(0.0))
        }
        Derivation::Distinct(_) | Derivation::Rank { .. } => {
            Err(ReadError::NotThis("it does not count rows"))
        }
    }
}

impl Cells {
    fn new(classes: usize) -> Self {
        Self {
            counts: vec![vec![0; classes]; classes],
            withheld: vec![vec![0; classes]; classes],
            parts: vec![vec![0; classes]; classes],
            other_labels: 0,
            others_withheld: 0,
            shown: 0,
        }
    }

    fn add(&mut self, actual: Option<usize>, predicted: usize, shown: Option<i64>, counts: usize) {
        match (actual, shown) {
            (Some(actual), Some(rows)) => self.counts[actual][predicted] += rows,
            (Some(actual), None) => self.withheld[actual][predicted] += 1,
            (None, Some(rows)) => self.other_labels += rows,
            (None, None) => self.others_withheld += 1,
        }
        self.shown += usize::from(shown.is_some());
        if let Some(actual) = actual {
            self.parts[actual][predicted] += counts;
        }
    }

    fn plus(mut self, other: Self) -> Self {
        for (actual, row) in other.counts.iter().enumerate() {
            for (predicted, rows) in row.iter().enumerate() {
                self.counts[actual][predicted] += rows;
                self.withheld[actual][predicted] += other.withheld[actual][predicted];
                self.parts[actual][predicted] += other.parts[actual][predicted];
            }
        }
        self.other_labels += other.other_labels;
        self.others_withheld += other.others_withheld;
        self.shown += other.shown;
        self
    }

    fn is_withheld(&self) -> bool {
        self.shown == 0
    }
}

/// What noise and cohort make of counts; a withheld one has at most so many rows.
struct View {
    noise: f64,
    most: f64,
}

impl View {
    fn group(&self, name: &str, cells: &Cells) -> ClassificationGroup {
        let classes = cells.counts.len();
        let range = |actual: usize, predicted: usize| {
            let low = count(cells.counts[actual][predicted]);
            let hidden = cells.withheld[actual][predicted] as f64 * self.most;
            Range { low, high: low + hidden, parts: cells.parts[actual][predicted] }
        };
        let all = || (0..classes).flat_map(|a| (0..classes).map(move |p| (a, p)));
        let sum = |chosen: &dyn Fn(usize, usize) -> bool| {
            let these = all().filter(|(a, p)| chosen(*a, *p));
            these.map(|(a, p)| range(a, p)).fold(Range::default(), Range::plus)
        };
        let (right, wrong) = (sum(&|a, p| a == p), sum(&|a, p| a != p));
        let hits = |class: usize| range(class, class);
        let missed = |class: usize| sum(&|a, p| a == class && p != class);
        let mistaken = |class: usize| sum(&|a, p| a != class && p == class);
        let twice = |range: Range| range.plus(range);
        let by_class = |of: &dyn Fn(usize) -> Option<Bounds>| (0..classes).map(of).collect();
        let intervals = IntervalMetrics {
            accuracy: right.share(wrong),
            precision: by_class(&|class| hits(class).share(mistaken(class))),
            recall: by_class(&|class| hits(class).share(missed(class))),
            f1: by_class(&|class| twice(hits(class)).share(mistaken(class).plus(missed(class)))),
        };
        let errors = |of: &dyn Fn(usize) -> Range| {
            (0..classes).map(|class| hits(class).error_of_share(of(class), self.noise)).collect()
        };
        let standard_errors = (self.noise > 0.0).then(|| StandardErrors {
            accuracy: right.error_of_share(wrong, self.noise),
            precision: errors(&mistaken),
            recall: errors(&missed),
        });
        // A withheld count of a cohort of one is 0: nothing is unknown.
        let unknown = |hidden: &usize| *hidden > 0 && self.most > 0.0;
        let withheld: Vec<Vec<bool>> =
            cells.withheld.iter().map(|row| row.iter().map(unknown).collect()).collect();
        let known = !withheld.iter().flatten().any(|hidden| *hidden);
        let metrics = || Confusion::new(cells.counts.clone()).and_then(|matrix| matrix.metrics()).ok();
        ClassificationGroup {
            group: name.to_owned(),
            confusion: cells.counts.clone(),
            cells_withheld: cells.withheld.iter().flatten().sum::<usize>() + cells.others_withheld,
            withheld,
            other_labels: cells.other_labels,
            metrics: known.then(metrics).flatten(),
            intervals,
            standard_errors,
        }
    }
}
