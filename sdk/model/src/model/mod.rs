//! A fitted model in our own format: named inputs, features computed from them, and an estimator.

mod check;
mod error;
mod estimator;
mod feature;
mod link;
mod tree;

use serde::{Deserialize, Serialize};
use sordino_protocol::digest::{Digest, Purpose};

pub use self::{
    error::ModelError,
    estimator::{
        Activation, Affine, Categorical, Combine, Estimator, Gaussian, LinearFamily, Precision, TreeFamily,
    },
    feature::{Encoding, Feature, Step},
    link::{Link, sigmoid},
    tree::{Node, Side, Test, Tree},
};
use crate::{
    limits::{Limits, at_most},
    scalar::Scalar,
};

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// The first.
    #[serde(rename = "sordino-model/1")]
    V1,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The version of the format.
    pub format: Format,
    /// The columns it reads.
    pub inputs: Vec<Input>,
    /// What the estimator sees, in its order.
    pub features: Vec<Feature>,
    /// Labels of the classes, in the order of the scores; none for a model that predicts a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// From features to scores.
    pub estimator: Estimator,
}

/// A column that a model reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// As in the table.
    pub name: String,
    /// The only values that the model accepts; any value without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Scalar>>,
}

/// What a model is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Linear, ridge or lasso regression.
    LinearRegression,
    /// Logistic regression.
    LogisticRegression,
    /// Regression with a logarithmic link.
    PoissonRegression,
    /// A linear support vector machine.
    LinearSvm,
    /// A scorecard.
    Scorecard,
    /// Naive Bayes with normal distributions.
    GaussianNaiveBayes,
    /// Naive Bayes with tables.
    CategoricalNaiveBayes,
    /// One tree.
    DecisionTree,
    /// A random forest or extra trees.
    Forest,
    /// Gradient boosted trees.
    BoostedTrees,
    /// k-means.
    KMeans,
    /// A multilayer perceptron.
    Network,
}

impl Model {
    /// Reads and checks a model in our format.
    ///
    /// # Errors
    /// When it is too large, not of this format, or not well formed.
    pub fn from_json(bytes: &[u8], limits: &Limits) -> Result<Self, ModelError> {
        at_most("bytes", bytes.len(), limits.bytes)?;
        let model: Self =
            serde_json::from_slice(bytes).map_err(|error| ModelError::Format(error.to_string()))?;
        model.validate(limits)?;
        Ok(model)
    }

    /// The canonical bytes: JSON as RFC 8785 writes it. Numbers are written as the shortest decimal
    /// that reads back as the same 64 bits, so reading these bytes gives the same model.
    ///
    /// # Errors
    /// When a number is not finite; a valid model has none.
    pub fn canonical_bytes(&self) -> Result<Vec<u8>, ModelError> {
        serde_json_canonicalizer::to_vec(self).map_err(|error| ModelError::Format(error.to_string()))
    }

    /// The digest of the canonical bytes.
    ///
    /// # Errors
    /// As [`Model::canonical_bytes`].
    pub fn digest(&self) -> Result<Digest, ModelError> {
        Ok(Digest::of(Purpose::Model, &self.canonical_bytes()?))
    }

    /// What it is called.
    pub const fn kind(&self) -> Kind {
        match &self.estimator {
            Estimator::Linear { family, .. } => match family {
                LinearFamily::Regression => Kind::LinearRegression,
                LinearFamily::Logistic => Kind::LogisticRegression,
                LinearFamily::Poisson => Kind::PoissonRegression,
                LinearFamily::Svm => Kind::LinearSvm,
                LinearFamily::Scorecard => Kind::Scorecard,
            },
            Estimator::GaussianBayes { .. } => Kind::GaussianNaiveBayes,
            Estimator::CategoricalBayes { .. } => Kind::CategoricalNaiveBayes,
            Estimator::Trees { family, .. } => match family {
                TreeFamily::Single => Kind::DecisionTree,
                TreeFamily::Forest => Kind::Forest,
                TreeFamily::Boosted => Kind::BoostedTrees,
            },
            Estimator::KMeans { .. } => Kind::KMeans,
            Estimator::Network { .. } => Kind::Network,
        }
    }

    /// From scores to the prediction.
    pub const fn link(&self) -> Link {
        self.estimator.link()
    }
}
