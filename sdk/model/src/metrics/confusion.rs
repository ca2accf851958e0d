//! Accuracy, precision, recall and F1 from a confusion matrix.

use serde::{Deserialize, Serialize};

use super::{MetricError, check_length, count, ratio};

/// Rows by actual and predicted class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// By actual class, then by predicted class.
    counts: Vec<Vec<i64>>,
}

/// What a confusion matrix says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfusionMetrics {
    /// Rows.
    pub rows: f64,
    /// Fraction of rows whose class is predicted.
    pub accuracy: f64,
    /// Per class.
    pub classes: Vec<ClassMetrics>,
    /// Mean over classes; a class without the metric counts as 0, as in scikit-learn.
    pub macro_precision: f64,
    /// As above; also called balanced accuracy.
    pub macro_recall: f64,
    /// As above.
    pub macro_f1: f64,
}

/// What a confusion matrix says of one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassMetrics {
    /// Rows of the class.
    pub support: f64,
    /// Fraction of the rows predicted to be of the class that are; `None` when none is predicted.
    pub precision: Option<f64>,
    /// Fraction of the class's rows that are found; `None` when it has none.
    pub recall: Option<f64>,
    /// Harmonic mean of both; `None` when the class is neither there nor predicted.
    pub f1: Option<f64>,
}

impl Confusion {
    /// From counts by actual class, then by predicted class.
    ///
    /// # Errors
    /// When the matrix is not square or has no class.
    pub fn new(counts: Vec<Vec<i64>>) -> Result<Self, MetricError> {
        if counts.is_empty() {
            return Err(MetricError::Empty);
        }
        for row in &counts {
            check_length("a row of the confusion matrix", row.len(), counts.len())?;
        }
        Ok(Self { counts })
    }

    /// Number of classes.
    pub const fn classes(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn cell(&self, actual: usize, predicted: usize) -> f64 {
        count(self.counts[actual][predicted])
    }

    /// Rows of a class.
    pub(super) fn actual(&self, class: usize) -> f64 {
        (0..self.classes()).map(|predicted| self.cell(class, predicted)).sum()
    }

    /// Rows predicted to be of a class.
    pub(super) fn predicted(&self, class: usize) -> f64 {
        (0..self.classes()).map(|actual| self.cell(actual, class)).sum()
    }

    /// All metrics.
    ///
    /// # Errors
    /// When all counts are 0.
    pub fn metrics(&self) -> Result<ConfusionMetrics, MetricError> {
        let all = 0..self.classes();
        let rows: f64 = all.clone().map(|class| self.actual(class)).sum();
        let right: f64 = all.clone().map(|class| self.cell(class, class)).sum();
        let accuracy = ratio(right, rows).ok_or(MetricError::Empty)?;
        let class = |class: usize| {
            let (hits, support, predicted) =
                (self.cell(class, class), self.actual(class), self.predicted(class));
            ClassMetrics {
                support,
                precision: ratio(hits, predicted),
                recall: ratio(hits, support),
                f1: ratio(2.0 * hits, support + predicted),
            }
        };
        let classes: Vec<ClassMetrics> = all.map(class).collect();
        let mean = |of: fn(&ClassMetrics) -> Option<f64>| {
            classes.iter().map(|class| of(class).unwrap_or(0.0)).sum::<f64>() / classes.len() as f64
        };
        Ok(ConfusionMetrics {
            rows,
            accuracy,
            macro_precision: mean(|class| class.precision),
            macro_recall: mean(|class| class.recall),
            macro_f1: mean(|class| class.f1),
            classes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_those_of_scikit_learn() {
        // classification_report of 4, 1 / 2, 3.
        let metrics = Confusion::new(vec![vec![4, 1], vec![2, 3]]).expect("square").metrics().expect("rows");
        assert!((metrics.accuracy - 0.7).abs() < 1e-12);
        assert_eq!(metrics.classes[0].precision, Some(4.0 / 6.0));
        assert_eq!(metrics.classes[1].recall, Some(0.6));
        assert!((metrics.macro_f1 - (8.0 / 11.0 + 6.0 / 9.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_measured_is_said() {
        assert!(Confusion::new(vec![vec![1, 2]]).is_err());
        assert_eq!(
            Confusion::new(vec![vec![0, -3], vec![0, 0]]).expect("square").metrics(),
            Err(MetricError::Empty)
        );
        let never = Confusion::new(vec![vec![5, 0], vec![2, 0]]).expect("square").metrics().expect("rows");
        assert_eq!((never.classes[1].precision, never.classes[1].f1), (None, Some(0.0)));
    }
}
