//! The JSON of the Python module `sordino_export`: the attributes of fitted scikit-learn estimators as
//! they are, after preprocessing has been flattened to one feature per column the estimator sees.

mod format;
mod trees;

use self::format::{Export, ExportedEstimator, OutActivation};
use super::{ImportError, json, lightgbm, numbers::expect_length, xgboost};
use crate::{
    limits::{Limits, at_most},
    model::{
        Activation, Affine, Categorical, Encoding, Estimator, Feature, Format, Gaussian, LinearFamily, Link,
        Model,
    },
};

/// Reads what `sordino_export.save` wrote.
///
/// # Errors
/// When it is too large, of another format, or not well formed.
pub fn sklearn(bytes: &[u8], limits: &Limits) -> Result<Model, ImportError> {
    let export: Export = json("the export of a scikit-learn model", bytes, limits)?;
    at_most("features", export.features.len(), limits.features)?;
    at_most("classes", export.classes.len(), limits.classes)?;
    let (features, estimator) = match export.estimator {
        ExportedEstimator::Xgboost { model } => {
            boosted(export.features, xgboost::model(&model, None, limits)?)?
        }
        ExportedEstimator::Lightgbm { model } => {
            boosted(export.features, lightgbm::text::model(&model, None, limits)?)?
        }
        other => {
            let estimator = estimator(other, export.features.len(), export.classes.len(), limits)?;
            (export.features, estimator)
        }
    };
    let model =
        Model { format: Format::V1, inputs: export.inputs, features, classes: export.classes, estimator };
    model.validate(limits)?;
    Ok(model)
}

/// A booster on top of a pipeline: its own features are columns of the pipeline's output.
fn boosted(features: Vec<Feature>, booster: Model) -> Result<(Vec<Feature>, Estimator), ImportError> {
    expect_length("features of the pipeline", features.len(), booster.features.len())?;
    let mut joined = Vec::with_capacity(features.len());
    for (index, (outer, inner)) in features.into_iter().zip(booster.features).enumerate() {
        joined.push(match (&outer.encoding, &inner.encoding) {
            (_, Encoding::Number) => outer,
            (Encoding::Number, _) if outer.steps.is_empty() => Feature { input: outer.input, ..inner },
            _ => {
                let reason = "a categorical feature of the booster must be a column as it is: encode it \
                              either in the pipeline or in the booster";
                return Err(ImportError::at(format!("feature {index}"), reason));
            }
        });
    }
    Ok((joined, booster.estimator))
}

fn estimator(
    exported: ExportedEstimator,
    width: usize,
    classes: usize,
    limits: &Limits,
) -> Result<Estimator, ImportError> {
    Ok(match exported {
        ExportedEstimator::Linear { family, coef, intercept, link } => {
            Estimator::Linear { family, outputs: rows(&coef, &intercept)?, link }
        }
        ExportedEstimator::GaussianNb { theta, var, class_prior } => {
            expect_length("theta_", theta.len(), class_prior.len())?;
            expect_length("var_", var.len(), class_prior.len())?;
            let class = |((means, variances), prior): ((Vec<f64>, Vec<f64>), f64)| Gaussian {
                log_prior: prior.ln(),
                means,
                variances,
            };
            Estimator::GaussianBayes {
                classes: theta.into_iter().zip(var).zip(class_prior).map(class).collect(),
            }
        }
        ExportedEstimator::CategoricalNb { feature_log_prob, class_log_prior } => {
            Estimator::CategoricalBayes { classes: categorical(&feature_log_prob, &class_log_prior, width)? }
        }
        ExportedEstimator::Trees(trees) => trees::estimator(trees, limits)?,
        ExportedEstimator::KMeans { cluster_centers } => {
            expect_length("cluster_centers_", cluster_centers.len(), classes)?;
            Estimator::KMeans { centres: cluster_centers }
        }
        ExportedEstimator::Mlp { coefs, intercepts, activation, out_activation } => {
            mlp(coefs, intercepts, activation, out_activation, limits)?
        }
        ExportedEstimator::Scorecard { base, points, above } => {
            let link = above.map_or(Link::Identity, |at| Link::Cutoff { at });
            let outputs = vec![Affine { intercept: base, weights: points }];
            Estimator::Linear { family: LinearFamily::Scorecard, outputs, link }
        }
        ExportedEstimator::Xgboost { .. } | ExportedEstimator::Lightgbm { .. } => {
            return Err(ImportError::at("estimator", "a booster has no place here"));
        }
    })
}

/// One output per row of `coef_`.
fn rows(coef: &[Vec<f64>], intercept: &[f64]) -> Result<Vec<Affine>, ImportError> {
    expect_length("intercept_", intercept.len(), coef.len())?;
    let output =
        |(weights, intercept): (&Vec<f64>, &f64)| Affine { intercept: *intercept, weights: weights.clone() };
    Ok(coef.iter().zip(intercept).map(output).collect())
}

/// `feature_log_prob_` is a list over features of classes by codes; ours is over classes first.
fn categorical(
    tables: &[Vec<Vec<f64>>],
    priors: &[f64],
    width: usize,
) -> Result<Vec<Categorical>, ImportError> {
    expect_length("feature_log_prob_", tables.len(), width)?;
    for (index, table) in tables.iter().enumerate() {
        expect_length(&format!("feature_log_prob_[{index}]"), table.len(), priors.len())?;
    }
    let class = |(class, prior): (usize, &f64)| Categorical {
        log_prior: *prior,
        tables: tables.iter().map(|table| table[class].clone()).collect(),
    };
    Ok(priors.iter().enumerate().map(class).collect())
}

/// `coefs_` has a row per unit of the layer before; ours one per unit of the layer.
fn mlp(
    coefs: Vec<Vec<Vec<f64>>>,
    intercepts: Vec<Vec<f64>>,
    activation: Activation,
    out: OutActivation,
    limits: &Limits,
) -> Result<Estimator, ImportError> {
    at_most("layers", coefs.len(), limits.layers)?;
    expect_length("intercepts_", intercepts.len(), coefs.len())?;
    let mut layers = Vec::with_capacity(coefs.len());
    for (index, (weights, intercepts)) in coefs.iter().zip(&intercepts).enumerate() {
        at_most("units of a layer", intercepts.len(), limits.units)?;
        for row in weights {
            expect_length(&format!("a row of coefs_[{index}]"), row.len(), intercepts.len())?;
        }
        let unit = |(unit, intercept): (usize, &f64)| Affine {
            intercept: *intercept,
            weights: weights.iter().map(|row| row[unit]).collect(),
        };
        layers.push(intercepts.iter().enumerate().map(unit).collect());
    }
    let link = match out {
        OutActivation::Identity => Link::Identity,
        OutActivation::Logistic => Link::Sigmoid,
        OutActivation::Softmax => Link::Softmax,
    };
    Ok(Estimator::Network { activation, layers, link })
}
