//! What is computed from the features: few shapes that serve every kind of model.

use serde::{Deserialize, Serialize};

use super::{
    link::Link,
    tree::{Node, Tree},
};

/// From features to scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Estimator {
    /// Each score is an intercept plus a weighted sum of the features.
    Linear {
        /// What it is called.
        family: LinearFamily,
        /// One per score.
        outputs: Vec<Affine>,
        /// From scores to the prediction.
        link: Link,
    },
    /// Each class has a normal distribution of every feature; scores are log likelihoods.
    GaussianBayes {
        /// One per class.
        classes: Vec<Gaussian>,
    },
    /// Each class has a distribution of every ordinal feature; scores are log likelihoods.
    CategoricalBayes {
        /// One per class.
        classes: Vec<Categorical>,
    },
    /// Each score is a base plus what the trees add.
    Trees {
        /// What it is called.
        family: TreeFamily,
        /// How features are rounded before they are compared.
        precision: Precision,
        /// How the trees are put together.
        combine: Combine,
        /// One per score.
        base: Vec<f64>,
        /// In any number.
        trees: Vec<Tree>,
        /// From scores to the prediction.
        link: Link,
    },
    /// The nearest centre; scores are squared distances.
    KMeans {
        /// One per cluster, each with one number per feature.
        centres: Vec<Vec<f64>>,
    },
    /// Dense layers with an activation between them.
    Network {
        /// After every layer but the last.
        activation: Activation,
        /// In order; the last one gives the scores.
        layers: Vec<Vec<Affine>>,
        /// From scores to the prediction.
        link: Link,
    },
}

/// An intercept and weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// The value where everything is 0.
    pub intercept: f64,
    /// One per feature, or per unit of the layer before.
    pub weights: Vec<f64>,
}

/// Distributions of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaussian {
    /// Natural logarithm of the class's share.
    pub log_prior: f64,
    /// One per feature.
    pub means: Vec<f64>,
    /// One per feature; above 0.
    pub variances: Vec<f64>,
}

/// Distributions of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categorical {
    /// Natural logarithm of the class's share.
    pub log_prior: f64,
    /// Per feature, the logarithm of the probability of each of its codes `0..`.
    pub tables: Vec<Vec<f64>>,
}

/// Names of linear models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinearFamily {
    /// Linear regression; also ridge, lasso, elastic net.
    Regression,
    /// Logistic regression.
    Logistic,
    /// Poisson regression and others with a logarithmic link.
    Poisson,
    /// A linear support vector machine and other linear classifiers without probabilities.
    Svm,
    /// Points for the bins of columns.
    Scorecard,
}

/// Names of models of trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TreeFamily {
    /// One decision tree.
    Single,
    /// A random forest or extra trees.
    Forest,
    /// Gradient boosting.
    Boosted,
}

/// How a feature is rounded before it is compared with thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// To 32 bits, as scikit-learn's trees and XGBoost do.
    Single,
    /// Not at all.
    Double,
}

/// How the values of trees are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// Added.
    Sum,
    /// Added and divided by the number of trees.
    Mean,
}

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
}

impl Activation {
    /// Its value.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::Identity => x,
            Self::Relu => x.max(0.0),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => super::link::sigmoid(x),
        }
    }
}

impl Estimator {
    /// From scores to the prediction.
    pub const fn link(&self) -> Link {
        match self {
            Self::Linear { link, .. } | Self::Trees { link, .. } | Self::Network { link, .. } => *link,
            Self::GaussianBayes { .. } | Self::CategoricalBayes { .. } => Link::Softmax,
            Self::KMeans { .. } => Link::Smallest,
        }
    }

    /// How many numbers it holds: weights, table entries, leaf values.
    pub fn numbers(&self) -> usize {
        let layer = |units: &Vec<Affine>| units.iter().map(|unit| unit.weights.len() + 1).sum::<usize>();
        match self {
            Self::Linear { outputs, .. } => layer(outputs),
            Self::GaussianBayes { classes } => {
                classes.iter().map(|class| class.means.len() + class.variances.len() + 1).sum()
            }
            Self::CategoricalBayes { classes } => {
                classes.iter().flat_map(|class| &class.tables).map(Vec::len).sum::<usize>() + classes.len()
            }
            Self::Trees { base, trees, .. } => {
                let leaf = |node: &Node| if let Node::Leaf(values) = node { values.len() } else { 1 };
                base.len() + trees.iter().flat_map(|tree| &tree.nodes).map(leaf).sum::<usize>()
            }
            Self::KMeans { centres } => centres.iter().map(Vec::len).sum(),
            Self::Network { layers, .. } => layers.iter().map(layer).sum(),
        }
    }
}
