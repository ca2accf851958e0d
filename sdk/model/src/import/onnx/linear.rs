//! LinearRegressor and LinearClassifier.

use super::{
    Run, columns,
    flow::{Estimated, Flow},
    proto::Node,
};
use crate::{
    import::{ImportError, numbers::expect_length},
    limits::at_most,
    model::{Affine, Estimator, Feature, LinearFamily, Link},
};

/// Rows of coefficients.
fn rows(run: &Run, node: &Node, features: &[Feature], count: usize) -> Result<Vec<Affine>, ImportError> {
    at_most("classes", count, run.limits.classes)?;
    let place = |what: &str| format!("{}, {what}", node.operator);
    let coefficients = node.floats("coefficients");
    expect_length(&place("coefficients"), coefficients.len(), count.saturating_mul(features.len()))?;
    let intercepts = match node.floats("intercepts") {
        [] => vec![0.0; count],
        some => some.to_vec(),
    };
    expect_length(&place("intercepts"), intercepts.len(), count)?;
    let row = |(weights, intercept): (&[f64], f64)| Affine { intercept, weights: weights.to_vec() };
    Ok(coefficients.chunks(features.len().max(1)).zip(intercepts).map(row).collect())
}

/// A linear regression.
pub(super) fn regressor(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let features = columns::features(run, node)?;
    if node.integer("targets", 1) != 1 || !matches!(node.text("post_transform"), "" | "NONE") {
        return Err(ImportError::unsupported(
            "a LinearRegressor with several targets or a post_transform (ONNX)",
            "export one model per target",
        ));
    }
    let outputs = rows(run, node, &features, 1)?;
    let estimator = Estimator::Linear { family: LinearFamily::Regression, outputs, link: Link::Identity };
    Ok(Flow::Done(Box::new(Estimated { features, estimator, classes: Vec::new() })))
}

/// The labels of a classifier.
pub(super) fn labels(node: &Node, numbers: &str) -> Vec<String> {
    let texts = node.texts("classlabels_strings").iter().cloned();
    texts.chain(node.integers(numbers).iter().map(i64::to_string)).collect()
}

/// A logistic regression, or a linear classifier without probabilities.
pub(super) fn classifier(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let features = columns::features(run, node)?;
    let classes = labels(node, "classlabels_ints");
    let single = classes.len() == 2 && node.floats("coefficients").len() == features.len();
    let mut outputs = rows(run, node, &features, if single { 1 } else { classes.len() })?;
    // Two rows that are each other's negative are one score written twice.
    let opposite = |a: &Affine, b: &Affine| {
        a.intercept == -b.intercept && a.weights.iter().zip(&b.weights).all(|(a, b)| *a == -*b)
    };
    if matches!(outputs.as_slice(), [a, b] if opposite(a, b)) {
        outputs.remove(0);
    }
    let link = match (node.text("post_transform"), outputs.len()) {
        ("LOGISTIC", 1) => Link::Sigmoid,
        ("" | "NONE", 1) => Link::Cutoff { at: 0.0 },
        ("SOFTMAX", 2..) => Link::Softmax,
        ("LOGISTIC", 2..) => Link::OneVsRest,
        ("" | "NONE", 2..) => Link::Largest,
        (other, _) => {
            let operator = format!("the post_transform {other} of LinearClassifier (ONNX)");
            return Err(ImportError::unsupported(operator, "use NONE, LOGISTIC or SOFTMAX"));
        }
    };
    let family = match link {
        Link::Cutoff { .. } | Link::Largest => LinearFamily::Svm,
        _ => LinearFamily::Logistic,
    };
    let estimator = Estimator::Linear { family, outputs, link };
    Ok(Flow::Done(Box::new(Estimated { features, estimator, classes })))
}
