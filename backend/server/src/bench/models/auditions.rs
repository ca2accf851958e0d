//! One audition under encryption, compared with the integer model row by row in clear.

use sordino_model::{
    audition::{
        self, Audition, Classification, Clustering, Metrics, Ranking, Reading, RegressionGroup, ScoreReading,
    },
    quantised::{Quantised, evaluate},
};
use sordino_protocol::{answer::Answer, coded::CodedTable, schema::ColumnId};

use super::{
    case::{Case, Details, sets},
    encrypted::{Encrypted, Party},
};

/// What is measured.
pub(super) struct Trial<'a> {
    pub(super) case: String,
    pub(super) goal_s: Option<f64>,
    pub(super) model: &'a Quantised,
    pub(super) audition: &'a Audition,
    pub(super) label: ColumnId,
    /// Runs, of which the fastest counts.
    pub(super) repeats: usize,
}

pub(super) fn measure(world: &mut Encrypted, party: &mut Party, trial: Trial<'_>) -> anyhow::Result<Case> {
    let found = world.ask(party, &trial.audition.query, trial.repeats)?;
    let metrics = audition::metrics(trial.audition, &found.answer)?;
    let clear = Clear { model: trial.model, table: world.rows(), label: trial.label, world };
    let mut details = super::case::Audition {
        multiplications: found.multiplications,
        accuracy: None,
        auc: None,
        r2: None,
        equal_classes: None,
        score_difference: None,
        stated_difference: None,
    };
    let equal = match &metrics {
        Metrics::Classification(metrics) => {
            details.accuracy = metrics.all.metrics.as_ref().map(|metrics| metrics.accuracy);
            let auc = metrics.ranking.as_ref().and_then(|ranking| ranking.auc);
            details.auc = auc.map(|bounds| [bounds.lower, bounds.upper]);
            clear.classifies(metrics)? && clear.ranks(metrics, &trial.audition.reading, &found.answer)?
        }
        Metrics::Regression(metrics) => {
            details.r2 = metrics.all.as_ref().and_then(|all| all.r2);
            metrics.all.as_ref().map_or(Ok(false), |all| clear.predicts(all))?
        }
        Metrics::Clustering(metrics) => clear.clusters(metrics)?,
    };
    Ok(Case {
        case: trial.case,
        exact: found.exact && equal,
        evaluate_s: found.seconds,
        samples: world.rows().rows,
        layout: found.layout.to_owned(),
        parameter_set: sets([&found.set]),
        threads: rayon::current_num_threads(),
        goal_s: trial.goal_s,
        details: Details::Audition(details),
    })
}

/// The model on the rows in clear.
struct Clear<'a> {
    model: &'a Quantised,
    table: &'a CodedTable,
    label: ColumnId,
    world: &'a Encrypted,
}

impl Clear<'_> {
    /// The class that a row's label names, if the model knows it.
    fn actual(&self, row: usize) -> Option<usize> {
        let code = self.table.codes(self.label)[row];
        let label = self.world.schema().column(self.label).label(code)?;
        self.model.classes.iter().position(|class| *class == label)
    }

    /// Whether the confusion matrix is that of the rows.
    fn classifies(&self, found: &Classification) -> anyhow::Result<bool> {
        let classes = self.model.classes.len();
        let mut counts = vec![vec![0i64; classes]; classes];
        for row in 0..self.table.rows {
            let predicted = evaluate(self.model, self.table, row)?.class;
            if let (Some(actual), Some(predicted)) = (self.actual(row), predicted) {
                counts[actual][predicted] += 1;
            }
        }
        Ok(found.all.confusion == counts)
    }

    /// Whether the rows of each cluster with each value of the label are those of the table.
    fn clusters(&self, found: &Clustering) -> anyhow::Result<bool> {
        let mut counts = vec![vec![0i64; found.labels.len()]; found.clusters.len()];
        for row in 0..self.table.rows {
            if let Some(cluster) = evaluate(self.model, self.table, row)?.class {
                counts[cluster][self.table.codes(self.label)[row] as usize] += 1;
            }
        }
        Ok(found.all.rows == counts)
    }

    /// Whether the histogram of the score is that of the rows, and the area under the curve within the
    /// bounds that follow from it.
    fn ranks(&self, found: &Classification, reading: &Reading, answer: &Answer) -> anyhow::Result<bool> {
        let (Reading::Scores(reading), Some(Ranking { auc: Some(auc), .. })) = (reading, &found.ranking)
        else {
            return Ok(found.ranking.is_none());
        };
        let mut by_label = vec![vec![0i64; reading.bands.len()]; reading.actual.len()];
        let mut by_class = [Vec::new(), Vec::new()];
        for row in 0..self.table.rows {
            let scores = evaluate(self.model, self.table, row)?.scores;
            let score = scores.last().map_or(0, |last| last - if scores.len() == 2 { scores[0] } else { 0 });
            let band = reading.edges.partition_point(|edge| *edge <= score);
            by_label[self.table.codes(self.label)[row] as usize][band - 1] += 1;
            if let Some(scores) = self.actual(row).and_then(|class| by_class.get_mut(class)) {
                scores.push(score);
            }
        }
        let exact = area(by_class);
        let within = auc.lower - 1e-12 <= exact && exact <= auc.upper + 1e-12;
        Ok(within && histogram(reading, answer) == Some(by_label))
    }

    /// Whether the mean of errors and of their squares are those of the rows, as far as floating-point
    /// numbers add up.
    fn predicts(&self, found: &RegressionGroup) -> anyhow::Result<bool> {
        let scale =
            self.world.schema().column(self.label).measure.as_ref().map_or(0, |measure| measure.scale);
        let link = self.model.link.map(|at| at as f64);
        let (mut rows, mut errors, mut squares) = (0.0, 0.0, 0.0);
        for row in 0..self.table.rows {
            let Some(actual) = self.table.values(self.label)[row] else { continue };
            let scores = self.model.scores(&evaluate(self.model, self.table, row)?.scores);
            let number =
                link.number(&scores).ok_or_else(|| anyhow::anyhow!("the model predicts no number"))?;
            let error = number - actual as f64 / 10f64.powi(i32::from(scale));
            (rows, errors, squares) = (rows + 1.0, errors + error, squares + error * error);
        }
        let mse = squares / rows;
        let close = |found: f64, wanted: f64, size: f64| (found - wanted).abs() <= 1e-9 * size.max(1e-9);
        Ok(found.rows == rows
            && close(found.mse, mse, mse)
            && close(found.mean_error, errors / rows, mse.sqrt()))
    }
}

/// The released counts by label and band.
fn histogram(reading: &ScoreReading, answer: &Answer) -> Option<Vec<Vec<i64>>> {
    let of_group = |values: &Option<Vec<Option<i64>>>| {
        let values = values.as_ref()?;
        reading.bands.iter().map(|band| *values.get(*band)?).collect()
    };
    answer.groups.iter().map(|group| of_group(&group.values)).collect()
}

/// The share of pairs of a row of either class in which that of the second has the higher score.
fn area([mut negatives, positives]: [Vec<i64>; 2]) -> f64 {
    negatives.sort_unstable();
    let wins = |score: &i64| {
        let below = negatives.partition_point(|other| other < score);
        let not_above = negatives.partition_point(|other| other <= score);
        (below + not_above) as f64 / 2.0
    };
    positives.iter().map(wins).sum::<f64>() / (negatives.len() * positives.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::area;

    #[test]
    fn the_area_counts_ties_by_half() {
        assert_eq!(area([vec![1, 2], vec![2, 3]]), 3.5 / 4.0);
        assert_eq!(area([vec![5], vec![1]]), 0.0);
    }
}
