//! Metrics by group, and how far groups are apart.

use serde::{Deserialize, Serialize};

use super::{Confusion, ConfusionMetrics, MetricError, ratio};

/// The metrics of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMetrics {
    /// Its name.
    pub group: String,
    /// What its confusion matrix says.
    pub metrics: ConfusionMetrics,
    /// Fraction of its rows predicted to be of the last class.
    pub selected: Option<f64>,
    /// Fraction of its rows of other classes predicted to be of the last class.
    pub false_positive_rate: Option<f64>,
}

/// Largest differences between groups, of the last class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fairness {
    /// Of accuracy.
    pub accuracy: f64,
    /// Of the fraction selected (demographic parity).
    pub selected: f64,
    /// Of recall (equal opportunity).
    pub recall: f64,
    /// Of the false positive rate (with recall: equalised odds).
    pub false_positive_rate: f64,
}

/// Metrics of each group, and the largest differences between them; a metric that a group does not have
/// is left out of the difference.
///
/// # Errors
/// When a group has no row or there is no group.
pub fn by_group(groups: &[(String, Confusion)]) -> Result<(Vec<GroupMetrics>, Fairness), MetricError> {
    if groups.is_empty() {
        return Err(MetricError::Empty);
    }
    let one = |(name, confusion): &(String, Confusion)| {
        let metrics = confusion.metrics()?;
        let last = confusion.classes() - 1;
        let (selected, hits) = (confusion.predicted(last), confusion.cell(last, last));
        let others = metrics.rows - confusion.actual(last);
        Ok(GroupMetrics {
            group: name.clone(),
            selected: ratio(selected, metrics.rows),
            false_positive_rate: ratio(selected - hits, others),
            metrics,
        })
    };
    let found = groups.iter().map(one).collect::<Result<Vec<_>, MetricError>>()?;
    let gap = |of: fn(&GroupMetrics) -> Option<f64>| {
        let values = || found.iter().filter_map(of);
        let (low, high) =
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        (high - low).max(0.0)
    };
    let fairness = Fairness {
        accuracy: gap(|group| Some(group.metrics.accuracy)),
        selected: gap(|group| group.selected),
        recall: gap(|group| group.metrics.classes.last().and_then(|class| class.recall)),
        false_positive_rate: gap(|group| group.false_positive_rate),
    };
    Ok((found, fairness))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_compared_by_the_last_class() {
        let confusion = |counts: [[i64; 2]; 2]| {
            Confusion::new(counts.iter().map(|row| row.to_vec()).collect()).expect("square")
        };
        let groups =
            [("a".to_owned(), confusion([[6, 2], [1, 1]])), ("b".to_owned(), confusion([[3, 1], [0, 4]]))];
        let (found, fairness) = by_group(&groups).expect("rows");
        assert_eq!(found[0].selected, Some(0.3));
        assert_eq!(found[1].false_positive_rate, Some(0.25));
        assert!((fairness.recall - 0.5).abs() < 1e-12);
        assert!((fairness.false_positive_rate).abs() < 1e-12);
    }
}
