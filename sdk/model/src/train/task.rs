//! What is to be fitted: columns by name, a method and its options.

use serde::{Deserialize, Serialize};
use sordino_protocol::{digest::Digest, predicate::Predicate, query::MAX_COMPUTED, schema::Schema};

/// The table that is trained on: its public description, nothing of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Digest of the manifest of the dataset version.
    pub dataset: Digest,
    /// The public schema.
    pub schema: Schema,
    /// Which rows are trained on.
    pub rows: Predicate,
    /// The most values that one query may release, as the listing's policy says.
    pub max_released_values: u64,
    /// The most numbers that one query may have computed, over all its groups, as the platform has memory
    /// for; at most [`sordino_protocol::query::MAX_COMPUTED`].
    pub max_sums: u64,
}

impl Source {
    /// The most numbers of one query.
    pub(super) fn max_sums(&self) -> u64 {
        self.max_sums.min(MAX_COMPUTED)
    }
}

/// What is to be fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The column that is predicted; none for clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The columns it is predicted from.
    pub inputs: Vec<String>,
    /// How.
    pub method: Method,
}

/// A kind of model and its options. Options are named and meant as in scikit-learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Method {
    /// Least squares from cross moments.
    Linear {
        /// The weight of the squared coefficients; 0 for ordinary least squares.
        #[serde(default)]
        ridge: f64,
    },
    /// Naive Bayes with normal distributions of measures.
    GaussianBayes {
        /// The share of the largest variance that is added to all of them.
        #[serde(default = "smallest_share")]
        var_smoothing: f64,
    },
    /// Naive Bayes with tables over the codes of dimensions.
    CategoricalBayes {
        /// Rows added to every cell.
        #[serde(default = "one")]
        alpha: f64,
    },
    /// One decision tree.
    Tree(TreeOptions),
    /// Gradient boosted trees.
    Boosted(BoostedOptions),
    /// Logistic regression on the joint cells of dimensions.
    Logistic {
        /// The inverse of the weight of the squared coefficients, halved.
        #[serde(default = "one")]
        c: f64,
        /// The most classes that an ordered dimension is merged into.
        #[serde(default = "sixteen")]
        bins: u32,
    },
    /// Poisson regression on the joint cells of dimensions.
    Poisson {
        /// The weight of the squared coefficients, halved.
        #[serde(default = "one")]
        alpha: f64,
        /// The most classes that an ordered dimension is merged into.
        #[serde(default = "sixteen")]
        bins: u32,
    },
    /// k-means over ordered dimensions that are measures, too.
    KMeans(KMeansOptions),
}

/// How a tree is grown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TreeOptions {
    /// What a split makes smaller.
    pub criterion: Criterion,
    /// Splits on the longest path; each level is one round.
    pub max_depth: u32,
    /// A node with fewer rows is not split.
    pub min_samples_split: u32,
    /// No split leaves fewer rows on a side.
    pub min_samples_leaf: u32,
    /// The most thresholds tried of an ordered dimension, evenly among its codes.
    pub thresholds: u32,
}

/// What a split makes smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// The chance that two rows of a node differ in class.
    Gini,
    /// The entropy of the classes of a node.
    Entropy,
    /// The variance of a measure.
    SquaredError,
}

/// How an ensemble is grown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoostedOptions {
    /// What the trees make smaller.
    pub loss: Loss,
    /// Number of trees.
    pub trees: u32,
    /// The share of each tree that is added.
    pub learning_rate: f64,
    /// Splits on the longest path of a tree.
    pub max_depth: u32,
    /// No split leaves fewer rows on a side.
    pub min_samples_leaf: u32,
    /// The most thresholds tried of an ordered dimension, evenly among its codes.
    pub thresholds: u32,
    /// The most joint cells of all splits; beyond, trees go on with the thresholds they have.
    pub max_cells: u32,
}

/// What boosting makes smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Of a measure.
    SquaredError,
    /// Of a dimension with two values.
    LogLoss,
}

/// How clusters are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KMeansOptions {
    /// Number of clusters.
    pub clusters: u32,
    /// The most rounds.
    pub max_iter: u32,
    /// The most classes that a dimension is merged into.
    pub bins: u32,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            criterion: Criterion::Gini,
            max_depth: 4,
            min_samples_split: 2,
            min_samples_leaf: 1,
            thresholds: 16,
        }
    }
}

impl Default for BoostedOptions {
    fn default() -> Self {
        Self {
            loss: Loss::LogLoss,
            trees: 50,
            learning_rate: 0.1,
            max_depth: 2,
            min_samples_leaf: 1,
            thresholds: 8,
            max_cells: 256,
        }
    }
}

impl Default for KMeansOptions {
    fn default() -> Self {
        Self { clusters: 3, max_iter: 20, bins: 16 }
    }
}

const fn one() -> f64 {
    1.0
}

const fn smallest_share() -> f64 {
    1e-9
}

const fn sixteen() -> u32 {
    16
}
