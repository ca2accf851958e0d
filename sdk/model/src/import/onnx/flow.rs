//! What a value of an ONNX graph is to us: features of columns, layers on them, or a finished model.

use super::proto::Tensor;
use crate::model::{Activation, Affine, Estimator, Feature};

/// A value between operations.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Flow {
    /// Known without any row.
    Constant(Tensor),
    /// Numbers that each come from one column.
    Features(Vec<Feature>),
    /// Linear layers on features.
    Dense(Dense),
    /// Parts of a naive Bayes or a k-means model that are spread over several operations.
    Partial(Partial),
    /// A model that is complete; classes as far as they are known.
    Done(Box<Estimated>),
    /// A label, or a sum that normalises probabilities: it adds nothing to the model.
    Aside,
}

/// Layers so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dense {
    pub(super) features: Vec<Feature>,
    pub(super) layers: Vec<Vec<Affine>>,
    /// One per layer, or one fewer while the last layer has none.
    pub(super) activations: Vec<Activation>,
}

/// A complete model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Estimated {
    pub(super) features: Vec<Feature>,
    pub(super) estimator: Estimator,
    pub(super) classes: Vec<String>,
}

/// Steps of models without an operator of their own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Partial {
    /// `x - mean`, then squared, divided by the variance, summed and halved: how far it has come.
    Gaussian {
        features: Vec<Feature>,
        means: Vec<Vec<f64>>,
        variances: Option<Vec<Vec<f64>>>,
        progress: Progress,
    },
    /// Log probabilities of each class by the codes of features.
    Tables {
        features: Vec<Feature>,
        /// By feature, class and code.
        tables: Vec<Vec<Vec<f64>>>,
    },
    /// The sum of the squares of all features.
    Squares { features: Vec<Feature> },
    /// Squared distances to centres, but for the squares of the centres.
    Distances { features: Vec<Feature>, centres: Vec<Vec<f64>> },
}

/// How far the log likelihood of normal distributions has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Difference,
    Square,
    Quotient,
    Sum,
    Half,
    /// With the logarithm of the variances.
    Likelihood,
}

impl Dense {
    /// Adds an activation after the last layer.
    pub(super) fn activated(mut self, activation: Activation) -> Self {
        if self.activations.len() == self.layers.len() {
            // Two in a row cannot be expressed: an identity layer goes between them.
            let width = self.layers.last().map_or(0, Vec::len);
            let unit = |at: usize| Affine {
                intercept: 0.0,
                weights: (0..width).map(|index| f64::from(u8::from(index == at))).collect(),
            };
            self.layers.push((0..width).map(unit).collect());
        }
        self.activations.push(activation);
        self
    }

    /// Whether the last layer has an activation.
    pub(super) fn is_activated(&self) -> bool {
        self.activations.len() == self.layers.len()
    }
}

impl Flow {
    /// What it is called in errors.
    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::Constant(_) => "a constant",
            Self::Features(_) => "features of columns",
            Self::Dense(_) => "a layer",
            Self::Partial(_) => "a part of a naive Bayes or k-means model",
            Self::Done(_) => "a finished prediction",
            Self::Aside => "a label",
        }
    }
}
