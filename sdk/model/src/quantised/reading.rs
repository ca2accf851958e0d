//! From integer scores to what a model predicts, for who has the scores and not the model.

use serde::{Deserialize, Serialize};

use super::{Quantised, unit};
use crate::model::Link;

/// How integer scores are read. Says nothing of how they are computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// From scores to the prediction; a cutoff is in integer units.
    pub link: Link<i64>,
    /// Labels of the classes; none for a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// A score of the model is the integer divided by `2^fraction_bits`.
    pub fraction_bits: i32,
}

/// What a model predicts for a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// Label of the class; `None` for a number.
    pub class: Option<String>,
    /// Probability of each class, where the model states it.
    pub probabilities: Option<Vec<f64>>,
    /// The number; `None` for a class.
    pub value: Option<f64>,
    /// Scores of the model.
    pub scores: Vec<f64>,
}

impl Quantised {
    /// How its scores are read.
    pub fn reading(&self) -> Reading {
        Reading { link: self.link, classes: self.classes.clone(), fraction_bits: self.fraction_bits }
    }
}

impl Reading {
    /// What integer scores mean.
    pub fn read(&self, integers: &[i64]) -> Predicted {
        let unit = unit(self.fraction_bits);
        let scores: Vec<f64> = integers.iter().map(|score| *score as f64 * unit).collect();
        let link = self.link.map(|at| at as f64 * unit);
        let class = self.link.class(integers).map(|class| match self.classes.get(class) {
            Some(label) => label.clone(),
            None => class.to_string(),
        });
        Predicted { class, probabilities: link.probabilities(&scores), value: link.number(&scores), scores }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_without_the_model() {
        let classes = vec!["bad".to_owned(), "good".to_owned()];
        let reading = Reading { link: Link::Sigmoid, classes, fraction_bits: 4 };
        let found = reading.read(&[16]);
        assert_eq!((found.class.as_deref(), found.scores.as_slice()), (Some("good"), &[1.0][..]));
        let probabilities = found.probabilities.expect("a sigmoid states them");
        assert!((probabilities[1] - 1.0 / (1.0 + (-1.0f64).exp())).abs() < 1e-12);
        let number = Reading { link: Link::Identity, classes: vec![], fraction_bits: 1 };
        assert_eq!(number.read(&[-3]).value, Some(-1.5));
    }
}
