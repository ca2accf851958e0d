//! Which operators of ONNX are known, and who reads them.

use super::{
    Run, bayes, columns, ensemble,
    flow::{Flow, Partial, Progress},
    layers, linear, misplaced,
    proto::Node,
};
use crate::{import::ImportError, model::Activation};

const KNOWN: &str = "known are Scaler, Imputer, OneHotEncoder, LabelEncoder, LinearRegressor, LinearClassifier, \
                     TreeEnsembleRegressor, TreeEnsembleClassifier, Gemm, MatMul, Add, Sub, Mul, Div, Relu, Tanh, \
                     Sigmoid, Softmax, Exp, and what shapes and labels their results";

/// The values that an operation gives, in the order of its outputs.
pub(super) fn apply(run: &mut Run, node: &Node) -> Result<Vec<Flow>, ImportError> {
    let label_and = |value: Flow| vec![Flow::Aside, value];
    let one = |value: Flow| vec![value];
    match node.operator.as_str() {
        "Constant" => {
            let tensor =
                node.tensor().ok_or_else(|| ImportError::at("Constant", "it has no tensor value"))?;
            Ok(one(Flow::Constant(tensor.clone())))
        }
        "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "ZipMap" => {
            run.value(node, 0).cloned().map(one)
        }
        "Normalizer" => match run.value(node, 0)? {
            // The probabilities of a one-vs-rest model are normalised in any case.
            done @ Flow::Done(_) => Ok(one(done.clone())),
            other => Err(misplaced(node, other, "a row must not be normalised: it mixes columns")),
        },
        "Scaler" => columns::scaler(run, node).map(one),
        "Imputer" => columns::imputer(run, node).map(one),
        "OneHotEncoder" => columns::one_hot(run, node).map(one),
        "LabelEncoder" => columns::label_encoder(run, node).map(one),
        "Concat" => columns::concat(run, node).map(one),
        "Gather" => columns::gather(run, node).map(one),
        "ArrayFeatureExtractor" => bayes::extract(run, node).map(one),
        "LinearRegressor" => linear::regressor(run, node).map(one),
        "LinearClassifier" => linear::classifier(run, node).map(label_and),
        "TreeEnsembleRegressor" => ensemble::regressor(run, node).map(one),
        "TreeEnsembleClassifier" => ensemble::classifier(run, node).map(label_and),
        "MatMul" | "Gemm" => layers::product(run, node).map(one),
        "Add" | "Sub" | "Mul" | "Div" => layers::arithmetic(run, node).map(one),
        "Sum" => bayes::sum(run, node).map(one),
        "Relu" => layers::activation(run, node, Activation::Relu).map(one),
        "Tanh" => layers::activation(run, node, Activation::Tanh).map(one),
        "Sigmoid" => layers::activation(run, node, Activation::Sigmoid).map(one),
        "Softmax" => layers::softmax(run, node).map(one),
        "Exp" => layers::exp(run, node).map(one),
        "ArgMax" | "ArgMin" => layers::largest(run, node).map(one),
        "Pow" | "ReduceSum" | "ReduceSumSquare" | "ReduceLogSumExp" | "Transpose" | "Sqrt" => {
            steps(run, node).map(one)
        }
        other => Err(ImportError::unsupported(format!("the ONNX operator {other}"), KNOWN)),
    }
}

/// Operations on one value that only occur inside naive Bayes and k-means.
fn steps(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let value = run.value(node, 0)?;
    let to = |progress| match value.clone() {
        Flow::Partial(Partial::Gaussian { features, means, variances, .. }) => {
            Flow::Partial(Partial::Gaussian { features, means, variances, progress })
        }
        other => other,
    };
    match (node.operator.as_str(), value) {
        ("Pow", Flow::Partial(Partial::Gaussian { progress: Progress::Difference, .. })) => {
            match run.value(node, 1)? {
                Flow::Constant(tensor) if tensor.numbers == [2.0] => Ok(to(Progress::Square)),
                other => Err(misplaced(node, other, "only squares are read")),
            }
        }
        ("ReduceSum", Flow::Partial(Partial::Gaussian { progress: Progress::Quotient, .. })) => {
            Ok(to(Progress::Sum))
        }
        ("ReduceSumSquare", Flow::Features(features)) => {
            Ok(Flow::Partial(Partial::Squares { features: features.clone() }))
        }
        ("Transpose", Flow::Partial(Partial::Tables { .. })) | ("Sqrt", Flow::Done(_)) => Ok(value.clone()),
        ("ReduceLogSumExp", Flow::Done(_)) => Ok(Flow::Aside),
        _ => Err(misplaced(node, value, KNOWN)),
    }
}
