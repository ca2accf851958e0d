//! From raw scores to what a model predicts.

use serde::{Deserialize, Serialize};

/// How raw scores become a number, or a class with or without probabilities. `T` is a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Link<T = f64> {
    /// The score is the predicted number.
    Identity,
    /// The predicted number is `exp(score)`.
    Exp,
    /// Two classes: the second one where the score is above `at`; no probabilities.
    Cutoff {
        /// In units of the score.
        at: T,
    },
    /// Two classes: the second one has probability `1 / (1 + exp(-score))`.
    Sigmoid,
    /// The class with the largest score, the first of equals; no probabilities.
    Largest,
    /// The class with the smallest score, the first of equals (clusters by distance).
    Smallest,
    /// Probabilities `exp(score) / sum(exp)`.
    Softmax,
    /// Probabilities are sigmoids of the scores, divided by their sum.
    OneVsRest,
    /// The scores are probabilities already.
    Probabilities,
}

impl<T: Copy> Link<T> {
    /// The number of scores it takes for so many classes (0 for a number); `None` when it cannot serve them.
    pub fn scores(self, classes: usize) -> Option<usize> {
        match (self, classes) {
            (Self::Identity | Self::Exp, 0) | (Self::Cutoff { .. } | Self::Sigmoid, 2) => Some(1),
            (Self::Largest | Self::Smallest | Self::Softmax | Self::OneVsRest | Self::Probabilities, 1..) => {
                Some(classes)
            }
            _ => None,
        }
    }

    /// The position of the predicted class; `None` for numbers.
    pub fn class(self, scores: &[T]) -> Option<usize>
    where
        T: PartialOrd + Default,
    {
        match self {
            Self::Identity | Self::Exp => None,
            Self::Cutoff { at } => scores.first().map(|score| usize::from(*score > at)),
            Self::Sigmoid => scores.first().map(|score| usize::from(*score > T::default())),
            Self::Smallest => first_by(scores, |a, b| a < b),
            Self::Largest | Self::Softmax | Self::OneVsRest | Self::Probabilities => {
                first_by(scores, |a, b| a > b)
            }
        }
    }

    /// The same link for scores of another type.
    pub fn map<U>(self, score: impl FnOnce(T) -> U) -> Link<U> {
        match self {
            Self::Identity => Link::Identity,
            Self::Exp => Link::Exp,
            Self::Cutoff { at } => Link::Cutoff { at: score(at) },
            Self::Sigmoid => Link::Sigmoid,
            Self::Largest => Link::Largest,
            Self::Smallest => Link::Smallest,
            Self::Softmax => Link::Softmax,
            Self::OneVsRest => Link::OneVsRest,
            Self::Probabilities => Link::Probabilities,
        }
    }
}

impl Link {
    /// The predicted number; `None` for classes.
    pub fn number(self, scores: &[f64]) -> Option<f64> {
        match self {
            Self::Identity => scores.first().copied(),
            Self::Exp => scores.first().map(|score| score.exp()),
            _ => None,
        }
    }

    /// The probability of each class, where the model states it.
    pub fn probabilities(self, scores: &[f64]) -> Option<Vec<f64>> {
        match self {
            Self::Sigmoid => scores.first().map(|score| {
                let second = sigmoid(*score);
                vec![1.0 - second, second]
            }),
            Self::Softmax => {
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                Some(normalised(scores.iter().map(|score| (score - largest).exp()).collect()))
            }
            Self::OneVsRest => Some(normalised(scores.iter().map(|score| sigmoid(*score)).collect())),
            Self::Probabilities => Some(normalised(scores.to_vec())),
            Self::Identity | Self::Exp | Self::Cutoff { .. } | Self::Largest | Self::Smallest => None,
        }
    }
}

/// The position of the first score that no other beats.
fn first_by<T: Copy>(scores: &[T], beats: impl Fn(T, T) -> bool) -> Option<usize> {
    let mut scores = scores.iter().copied().enumerate();
    let first = scores.next()?;
    Some(scores.fold(first, |best, next| if beats(next.1, best.1) { next } else { best }).0)
}

/// The logistic function.
pub fn sigmoid(score: f64) -> f64 {
    // Each branch avoids the overflow of the other.
    if score >= 0.0 {
        1.0 / (1.0 + (-score).exp())
    } else {
        let e = score.exp();
        e / (1.0 + e)
    }
}

fn normalised(mut values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    if sum > 0.0 {
        values.iter_mut().for_each(|value| *value /= sum);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_first_class_and_cutoffs_are_strict() {
        assert_eq!(Link::<i64>::Largest.class(&[1, 3, 3]), Some(1));
        assert_eq!(Link::<i64>::Smallest.class(&[2, 1, 1]), Some(1));
        assert_eq!(Link::Sigmoid.class(&[0.0]), Some(0));
        assert_eq!(Link::Cutoff { at: 5.0 }.class(&[5.1]), Some(1));
        assert_eq!(Link::<f64>::Softmax.scores(3), Some(3));
        assert_eq!(Link::<f64>::Sigmoid.scores(3), None);
        assert!((sigmoid(-800.0)).abs() < 1e-300 && (sigmoid(800.0) - 1.0).abs() < 1e-300);
    }
}
