//! Raw scores of each kind of estimator.

use super::EvaluateError;
use crate::model::{Affine, Combine, Estimator, Gaussian, Model, Precision, Tree};

/// The raw scores for the features of a row.
pub(super) fn scores(model: &Model, features: &[Option<f64>]) -> Result<Vec<f64>, EvaluateError> {
    let name = |feature: usize| model.inputs[model.features[feature].input as usize].name.clone();
    let missing = |feature: usize| EvaluateError::Missing { input: name(feature) };
    let present = || -> Result<Vec<f64>, EvaluateError> {
        features.iter().enumerate().map(|(index, value)| value.ok_or_else(|| missing(index))).collect()
    };
    Ok(match &model.estimator {
        Estimator::Linear { outputs, .. } => layer(outputs, &present()?),
        Estimator::GaussianBayes { classes } => {
            let x = present()?;
            classes.iter().map(|class| gaussian(class, &x)).collect()
        }
        Estimator::CategoricalBayes { classes } => {
            let x = present()?;
            let entry = |table: &Vec<f64>, feature: usize| {
                code_of(x[feature]).and_then(|code| table.get(code)).copied().ok_or_else(|| {
                    let code = x[feature].to_string();
                    EvaluateError::Code { input: name(feature), code, known: table.len() }
                })
            };
            classes
                .iter()
                .map(|class| {
                    class
                        .tables
                        .iter()
                        .enumerate()
                        .try_fold(class.log_prior, |sum, (feature, table)| Ok(sum + entry(table, feature)?))
                })
                .collect::<Result<_, _>>()?
        }
        Estimator::Trees { base, trees, precision, combine, .. } => {
            ensemble(base, trees, *precision, *combine, features).map_err(missing)?
        }
        Estimator::KMeans { centres } => {
            let x = present()?;
            centres.iter().map(|centre| centre.iter().zip(&x).map(|(c, x)| (x - c) * (x - c)).sum()).collect()
        }
        Estimator::Network { activation, layers, .. } => {
            let mut x = present()?;
            for (index, units) in layers.iter().enumerate() {
                x = layer(units, &x);
                if index + 1 < layers.len() {
                    x.iter_mut().for_each(|x| *x = activation.apply(*x));
                }
            }
            x
        }
    })
}

/// A code that a feature says, if it is a small integer that is not negative.
pub(crate) fn code_of(value: f64) -> Option<usize> {
    (value >= 0.0 && value < f64::from(u32::MAX) && value.fract() == 0.0).then_some(value as usize)
}

fn layer(units: &[Affine], x: &[f64]) -> Vec<f64> {
    let unit = |unit: &Affine| unit.weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + unit.intercept;
    units.iter().map(unit).collect()
}

/// The log likelihood of a class, without what is the same for all classes.
fn gaussian(class: &Gaussian, x: &[f64]) -> f64 {
    let spread: f64 = class.variances.iter().map(|variance| (std::f64::consts::TAU * variance).ln()).sum();
    let distance: f64 = class
        .means
        .iter()
        .zip(&class.variances)
        .zip(x)
        .map(|((mean, variance), x)| (x - mean) * (x - mean) / variance)
        .sum();
    class.log_prior - 0.5 * spread - 0.5 * distance
}

fn ensemble(
    base: &[f64],
    trees: &[Tree],
    precision: Precision,
    combine: Combine,
    features: &[Option<f64>],
) -> Result<Vec<f64>, usize> {
    let value = |feature: usize| features[feature].map(|value| rounded(value, precision));
    let mut sums = match combine {
        Combine::Sum => base.to_vec(),
        Combine::Mean => vec![0.0; base.len()],
    };
    for tree in trees {
        for (sum, value) in sums[tree.score as usize..].iter_mut().zip(tree.leaf(value)?) {
            *sum += value;
        }
    }
    if combine == Combine::Mean {
        for (sum, base) in sums.iter_mut().zip(base) {
            *sum = base + *sum / trees.len() as f64;
        }
    }
    Ok(sums)
}

/// A feature as trees compare it.
pub(crate) fn rounded(value: f64, precision: Precision) -> f64 {
    match precision {
        Precision::Single => f64::from(value as f32),
        Precision::Double => value,
    }
}
