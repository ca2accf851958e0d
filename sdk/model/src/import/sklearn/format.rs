//! The JSON that `sordino_export` writes.

use serde::Deserialize;

use crate::{
    import::xgboost::File as XgboostFile,
    model::{Activation, Combine, Feature, Input, LinearFamily, Link, Precision, TreeFamily},
};

/// The version of the export.
#[derive(Deserialize)]
pub(super) enum ExportFormat {
    #[serde(rename = "sordino-export/1")]
    V1,
}

/// A fitted estimator or pipeline.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {
    #[expect(dead_code, reason = "reading it is the check")]
    format: ExportFormat,
    /// The library and its version, for people.
    #[expect(dead_code, reason = "for people who look at the file")]
    library: String,
    pub(super) inputs: Vec<Input>,
    pub(super) features: Vec<Feature>,
    #[serde(default)]
    pub(super) classes: Vec<String>,
    pub(super) estimator: ExportedEstimator,
}

/// The attributes of an estimator, named as scikit-learn names them, without the last underscore.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ExportedEstimator {
    Linear {
        family: LinearFamily,
        coef: Vec<Vec<f64>>,
        intercept: Vec<f64>,
        link: Link,
    },
    GaussianNb {
        theta: Vec<Vec<f64>>,
        var: Vec<Vec<f64>>,
        class_prior: Vec<f64>,
    },
    CategoricalNb {
        feature_log_prob: Vec<Vec<Vec<f64>>>,
        class_log_prior: Vec<f64>,
    },
    Trees(ExportedTrees),
    KMeans {
        cluster_centers: Vec<Vec<f64>>,
    },
    Mlp {
        coefs: Vec<Vec<Vec<f64>>>,
        intercepts: Vec<Vec<f64>>,
        activation: Activation,
        out_activation: OutActivation,
    },
    Scorecard {
        base: f64,
        points: Vec<f64>,
        above: Option<f64>,
    },
    Xgboost {
        model: Box<XgboostFile>,
    },
    Lightgbm {
        model: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportedTrees {
    pub(super) family: TreeFamily,
    pub(super) precision: Precision,
    pub(super) combine: Combine,
    pub(super) base: Vec<f64>,
    pub(super) link: Link,
    pub(super) trees: Vec<ExportedTree>,
}

/// The arrays of `tree_`, all of the same length; leaves have -1 as left child.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportedTree {
    /// The score that the first column of `value` adds to.
    pub(super) score: u32,
    pub(super) children_left: Vec<i64>,
    pub(super) children_right: Vec<i64>,
    pub(super) feature: Vec<i64>,
    pub(super) threshold: Vec<f64>,
    /// Per node, what a leaf adds to each score.
    pub(super) value: Vec<Vec<f64>>,
    /// Empty where the tree was fitted without missing values.
    #[serde(default)]
    pub(super) missing_go_to_left: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutActivation {
    Identity,
    Logistic,
    Softmax,
}
