//! Dense layers: products, sums, activations, and how they end.

use super::{
    Run, bayes, columns,
    flow::{Dense, Estimated, Flow, Partial},
    misplaced,
    proto::{Node, Tensor},
};
use crate::{
    import::{ImportError, numbers::expect_length},
    limits::at_most,
    model::{Activation, Affine, Estimator, LinearFamily, Link, Step},
};

/// A product with a constant matrix, and with Gemm a constant vector added.
pub(super) fn product(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let Flow::Constant(matrix) = run.value(node, 1)? else {
        return Err(misplaced(node, run.value(node, 1)?, "the second factor must be a constant"));
    };
    let by_unit = node.integer("transB", 0) == 1;
    let (width, units) = match matrix.dims.as_slice() {
        [rows, columns] if by_unit => (*columns, *rows),
        [rows, columns] => (*rows, *columns),
        // A vector is the weights of one unit.
        [width] => (*width, 1),
        _ => return Err(ImportError::at(&node.operator, "its weights must be a matrix or a vector")),
    };
    at_most("units of a layer", units, run.limits.units)?;
    let weight = |unit: usize, index: usize| {
        matrix.numbers[if by_unit { unit * width + index } else { index * units + unit }]
    };
    let alpha = node.float("alpha", 1.0);
    let rows: Vec<Vec<f64>> =
        (0..units).map(|unit| (0..width).map(|index| weight(unit, index)).collect()).collect();
    let added = if node.inputs.len() > 2 { Some(run.value(node, 2)?) } else { None };
    if let Some(Flow::Partial(Partial::Squares { features })) = added {
        return bayes::distances(run, node, features, rows, alpha);
    }
    let intercepts = match added {
        None => vec![0.0; units],
        Some(Flow::Constant(tensor)) => {
            let beta = node.float("beta", 1.0);
            columns::spread("Gemm, C", &tensor.numbers, units)?.iter().map(|number| number * beta).collect()
        }
        Some(other) => return Err(misplaced(node, other, "what is added must be a constant")),
    };
    let unit = |(weights, intercept): (Vec<f64>, f64)| Affine {
        intercept,
        weights: weights.into_iter().map(|weight| weight * alpha).collect(),
    };
    let layer: Vec<Affine> = rows.into_iter().zip(intercepts).map(unit).collect();
    let mut dense = match run.value(node, 0)? {
        Flow::Features(features) => {
            Dense { features: features.clone(), layers: Vec::new(), activations: Vec::new() }
        }
        Flow::Dense(dense) if dense.is_activated() => dense.clone(),
        Flow::Dense(dense) => dense.clone().activated(Activation::Identity),
        other => return Err(misplaced(node, other, "a layer takes features or a layer")),
    };
    let before = dense.layers.last().map_or(dense.features.len(), Vec::len);
    expect_length(&format!("{}, inputs", node.operator), before, width)?;
    at_most("layers", dense.layers.len() + 1, run.limits.layers)?;
    dense.layers.push(layer);
    Ok(Flow::Dense(dense))
}

/// Arithmetic with a constant.
pub(super) fn arithmetic(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let (first, second) = (run.value(node, 0)?, run.value(node, 1)?);
    let operator = node.operator.as_str();
    let commutes = matches!(operator, "Add" | "Mul");
    match (first, second) {
        (Flow::Constant(constant), Flow::Partial(partial))
        | (Flow::Partial(partial), Flow::Constant(constant)) => {
            bayes::arithmetic(node, partial, constant, matches!(second, Flow::Constant(_)))
        }
        (Flow::Partial(Partial::Squares { .. }), distances @ Flow::Partial(Partial::Distances { .. }))
        | (distances @ Flow::Partial(Partial::Distances { .. }), Flow::Partial(Partial::Squares { .. }))
            if operator == "Add" =>
        {
            Ok(distances.clone())
        }
        (Flow::Features(features), Flow::Constant(constant))
            if constant.dims.len() == 3 && operator == "Sub" =>
        {
            bayes::difference(features, constant)
        }
        (Flow::Features(_), Flow::Constant(constant)) => scale(run, node, first, constant),
        (Flow::Constant(constant), Flow::Features(_)) if commutes => scale(run, node, second, constant),
        (Flow::Dense(dense), Flow::Constant(constant)) | (Flow::Constant(constant), Flow::Dense(dense))
            if operator == "Add" && !dense.is_activated() =>
        {
            shift(dense, constant)
        }
        // One minus the probability of the second class.
        (Flow::Constant(one), Flow::Dense(dense))
            if operator == "Sub" && one.numbers == [1.0] && dense.is_activated() =>
        {
            let done = finished(second)?;
            done.map(|done| Flow::Done(Box::new(done))).ok_or_else(|| misplaced(node, second, "use Sigmoid"))
        }
        (Flow::Done(_), Flow::Aside) if operator == "Sub" => Ok(first.clone()),
        (Flow::Constant(_), other) | (other, _) => Err(misplaced(
            node,
            other,
            "only constants can be added to features and layers, or multiplied with features",
        )),
    }
}

/// Features times, divided by, plus or minus constants.
fn scale(run: &Run, node: &Node, value: &Flow, constant: &Tensor) -> Result<Flow, ImportError> {
    let Flow::Features(features) = value else { return Err(misplaced(node, value, "expected features")) };
    at_most("features", features.len(), run.limits.features)?;
    let mut features = features.clone();
    let numbers = columns::spread(&node.operator, &constant.numbers, features.len())?;
    for (feature, number) in features.iter_mut().zip(numbers) {
        feature.steps.push(match node.operator.as_str() {
            "Add" => Step::Affine { factor: 1.0, offset: number },
            "Sub" => Step::Standard { centre: number, scale: 1.0 },
            "Mul" => Step::Affine { factor: number, offset: 0.0 },
            _ => Step::Standard { centre: 0.0, scale: number },
        });
    }
    Ok(Flow::Features(features))
}

/// A constant added to the last layer.
fn shift(dense: &Dense, constant: &Tensor) -> Result<Flow, ImportError> {
    let mut dense = dense.clone();
    if let Some(last) = dense.layers.last_mut() {
        let numbers = columns::spread("Add", &constant.numbers, last.len())?;
        last.iter_mut().zip(numbers).for_each(|(unit, number)| unit.intercept += number);
    }
    Ok(Flow::Dense(dense))
}

/// An activation after a layer.
pub(super) fn activation(run: &Run, node: &Node, activation: Activation) -> Result<Flow, ImportError> {
    match run.value(node, 0)? {
        Flow::Dense(dense) => Ok(Flow::Dense(dense.clone().activated(activation))),
        other => Err(misplaced(node, other, "an activation follows a layer")),
    }
}

/// A model of layers that ends in a link.
fn end(dense: &Dense, link: Link) -> Result<Estimated, ImportError> {
    let hidden = &dense.activations[..dense.layers.len().saturating_sub(1).min(dense.activations.len())];
    let activation = hidden.first().copied().unwrap_or(Activation::Identity);
    if hidden.iter().any(|other| *other != activation) {
        return Err(ImportError::unsupported(
            "a network with different activations (ONNX)",
            "use one activation in all hidden layers",
        ));
    }
    let estimator = match dense.layers.as_slice() {
        [outputs] => {
            let family = match link {
                Link::Identity => LinearFamily::Regression,
                Link::Exp => LinearFamily::Poisson,
                Link::Cutoff { .. } | Link::Largest => LinearFamily::Svm,
                _ => LinearFamily::Logistic,
            };
            Estimator::Linear { family, outputs: outputs.clone(), link }
        }
        layers => Estimator::Network { activation, layers: layers.to_vec(), link },
    };
    Ok(Estimated { features: dense.features.clone(), estimator, classes: Vec::new() })
}

pub(super) fn softmax(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    match run.value(node, 0)? {
        Flow::Dense(dense) if !dense.is_activated() => Ok(Flow::Done(Box::new(end(dense, Link::Softmax)?))),
        other => Err(misplaced(node, other, "it ends a network, after its last layer")),
    }
}

pub(super) fn exp(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    match run.value(node, 0)? {
        Flow::Dense(dense) if !dense.is_activated() && dense.layers.last().map(Vec::len) == Some(1) => {
            Ok(Flow::Done(Box::new(end(dense, Link::Exp)?)))
        }
        // From log likelihoods to probabilities.
        done @ Flow::Done(estimated) if estimated.estimator.link() == Link::Softmax => Ok(done.clone()),
        other => Err(misplaced(node, other, "it ends a regression with a logarithmic link")),
    }
}

/// A label. That of a layer or of distances is all that some models say.
pub(super) fn largest(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    match (node.operator.as_str(), run.value(node, 0)?) {
        ("ArgMax", Flow::Dense(dense)) if !dense.is_activated() => {
            Ok(Flow::Done(Box::new(end(dense, Link::Largest)?)))
        }
        ("ArgMax", Flow::Done(done)) if done.estimator.link() != Link::Smallest => Ok(Flow::Aside),
        ("ArgMin", Flow::Done(done)) if done.estimator.link() == Link::Smallest => Ok(Flow::Aside),
        (_, other) => {
            Err(misplaced(node, other, "it takes the scores of classes or the distances of clusters"))
        }
    }
}

/// The model that a value is, if it is one.
pub(super) fn finished(value: &Flow) -> Result<Option<Estimated>, ImportError> {
    match value {
        Flow::Done(done) => Ok(Some((**done).clone())),
        Flow::Dense(dense) => {
            let width = dense.layers.last().map_or(0, Vec::len);
            let last = if dense.is_activated() { dense.activations.last() } else { None };
            match (last, width) {
                (None, 1) => end(dense, Link::Identity).map(Some),
                (Some(Activation::Sigmoid), 1) => end(dense, Link::Sigmoid).map(Some),
                (None, _) => end(dense, Link::Largest).map(Some),
                (Some(_), _) => Ok(None),
            }
        }
        Flow::Partial(_) | Flow::Constant(_) | Flow::Features(_) | Flow::Aside => Ok(None),
    }
}

/// Labels of the classes; numbers where the file has none.
pub(super) fn with_labels(estimator: &Estimator, labels: Vec<String>) -> Vec<String> {
    let count = match (estimator.link(), estimator) {
        (Link::Identity | Link::Exp, _) => 0,
        (Link::Sigmoid | Link::Cutoff { .. }, _) => 2,
        (_, Estimator::Linear { outputs, .. }) => outputs.len(),
        (_, Estimator::Network { layers, .. }) => layers.last().map_or(0, Vec::len),
        (_, Estimator::Trees { base, .. }) => base.len(),
        (_, Estimator::GaussianBayes { classes }) => classes.len(),
        (_, Estimator::CategoricalBayes { classes }) => classes.len(),
        (_, Estimator::KMeans { centres }) => centres.len(),
    };
    if labels.len() == count { labels } else { (0..count).map(|class| class.to_string()).collect() }
}
