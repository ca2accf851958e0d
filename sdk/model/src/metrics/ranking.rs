//! AUC, ROC and lift from a histogram of scores by label.

use serde::{Deserialize, Serialize};

use super::{MetricError, check_edges, check_length, count, ratio};

/// Rows by bucket of the score and by label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreHistogram {
    /// Edges of the buckets, ascending; one more than there are buckets.
    edges: Vec<f64>,
    negatives: Vec<i64>,
    positives: Vec<i64>,
}

/// A point of the ROC curve: rows with a score of at least `threshold` are called positive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RocPoint {
    /// The smallest score that is called positive; `None` where no row is.
    pub threshold: Option<f64>,
    /// Fraction of the negative rows called positive.
    pub false_positive_rate: f64,
    /// Fraction of the positive rows called positive.
    pub true_positive_rate: f64,
}

/// A tenth of the rows, by score from the highest down. A bucket that spans several tenths is divided
/// among them evenly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftDecile {
    /// 1 for the highest scores.
    pub decile: u32,
    /// Share of positive rows in it.
    pub rate: f64,
    /// That share over the share in all rows.
    pub lift: f64,
    /// Fraction of all positive rows in it and those above.
    pub captured: f64,
}

impl ScoreHistogram {
    /// From edges and counts.
    ///
    /// # Errors
    /// When edges do not increase or lengths differ.
    pub fn new(edges: Vec<f64>, negatives: Vec<i64>, positives: Vec<i64>) -> Result<Self, MetricError> {
        check_edges(&edges)?;
        check_length("counts of negative rows", negatives.len(), edges.len() - 1)?;
        check_length("counts of positive rows", positives.len(), edges.len() - 1)?;
        Ok(Self { edges, negatives, positives })
    }

    /// Edges of the buckets.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Negative and positive rows of every bucket, from the lowest score up.
    pub(super) fn counts(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> + ExactSizeIterator + '_ {
        self.negatives.iter().zip(&self.positives).map(|(no, yes)| (count(*no), count(*yes)))
    }

    pub(super) fn totals(&self) -> (f64, f64) {
        self.counts().fold((0.0, 0.0), |sum, bucket| (sum.0 + bucket.0, sum.1 + bucket.1))
    }

    /// The probability that a positive row has a higher score than a negative one; rows of one bucket
    /// are tied and count as half. Exact when each bucket holds one score.
    ///
    /// # Errors
    /// When there is no positive or no negative row.
    pub fn auc(&self) -> Result<f64, MetricError> {
        let (no, yes) = self.totals();
        let mut below = 0.0;
        let mut pairs = 0.0;
        for (negatives, positives) in self.counts() {
            pairs += positives * (below + negatives / 2.0);
            below += negatives;
        }
        ratio(pairs, no * yes).ok_or(MetricError::Empty)
    }

    /// The ROC curve, from no row called positive to all.
    ///
    /// # Errors
    /// When there is no positive or no negative row.
    pub fn roc(&self) -> Result<Vec<RocPoint>, MetricError> {
        let (no, yes) = self.totals();
        if no == 0.0 || yes == 0.0 {
            return Err(MetricError::Empty);
        }
        let mut points =
            vec![RocPoint { threshold: None, false_positive_rate: 0.0, true_positive_rate: 0.0 }];
        let (mut false_positives, mut true_positives) = (0.0, 0.0);
        for ((negatives, positives), low) in self.counts().zip(&self.edges).rev() {
            false_positives += negatives;
            true_positives += positives;
            points.push(RocPoint {
                threshold: Some(*low),
                false_positive_rate: false_positives / no,
                true_positive_rate: true_positives / yes,
            });
        }
        Ok(points)
    }

    /// Lift by tenths of the rows.
    ///
    /// # Errors
    /// When there is no positive row.
    pub fn lift(&self) -> Result<Vec<LiftDecile>, MetricError> {
        let (no, yes) = self.totals();
        let tenth = (no + yes) / 10.0;
        let share = ratio(yes, no + yes).filter(|share| *share > 0.0).ok_or(MetricError::Empty)?;
        let mut found = [0.0; 10];
        let mut at = 0.0;
        for (negatives, positives) in self.counts().rev() {
            let rows = negatives + positives;
            for (decile, sum) in found.iter_mut().enumerate() {
                let (from, to) = (decile as f64 * tenth, (decile + 1) as f64 * tenth);
                let inside = (to.min(at + rows) - from.max(at)).max(0.0);
                *sum += ratio(positives * inside, rows).unwrap_or(0.0);
            }
            at += rows;
        }
        let mut captured = 0.0;
        let decile = |(index, positives): (usize, f64)| {
            captured += positives / yes;
            let rate = positives / tenth;
            LiftDecile { decile: index as u32 + 1, rate, lift: rate / share, captured }
        };
        Ok(found.into_iter().enumerate().map(decile).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_ties_as_half() {
        // roc_auc_score([0,0,1,1], [.1,.4,.4,.8]) is 0.875.
        let edges = vec![0.0, 0.2, 0.5, 1.0];
        let histogram = ScoreHistogram::new(edges, vec![1, 1, 0], vec![0, 1, 1]).expect("a histogram");
        assert_eq!(histogram.auc(), Ok(0.875));
        let roc = histogram.roc().expect("both labels");
        // The area under the points by trapezia is the same.
        let area: f64 = roc
            .windows(2)
            .map(|pair| {
                (pair[1].false_positive_rate - pair[0].false_positive_rate)
                    * f64::midpoint(pair[0].true_positive_rate, pair[1].true_positive_rate)
            })
            .sum();
        assert!((area - 0.875).abs() < 1e-12);
        assert_eq!(roc.last().map(|point| point.threshold), Some(Some(0.0)));
    }

    #[test]
    fn lift_divides_buckets_evenly() {
        let histogram =
            ScoreHistogram::new(vec![0.0, 0.5, 1.0], vec![60, 20], vec![0, 20]).expect("a histogram");
        let lift = histogram.lift().expect("positive rows");
        assert!((lift[0].lift - 2.5).abs() < 1e-12 && (lift[9].lift).abs() < 1e-12);
        assert!((lift[3].captured - 1.0).abs() < 1e-12);
        let none = ScoreHistogram::new(vec![0.0, 1.0], vec![5], vec![0]).expect("a histogram");
        assert_eq!(none.auc(), Err(MetricError::Empty));
        assert!(ScoreHistogram::new(vec![0.0, f64::NAN], vec![5], vec![0]).is_err());
    }
}
