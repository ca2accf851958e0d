//! Preprocessing operators: each makes features of features.

use super::{Run, flow::Flow, misplaced, proto::Node};
use crate::{
    import::{ImportError, numbers::expect_length},
    limits::at_most,
    model::{Encoding, Feature, Step},
    scalar::Scalar,
};

/// The features an operation works on.
pub(super) fn features(run: &Run, node: &Node) -> Result<Vec<Feature>, ImportError> {
    match run.value(node, 0)? {
        Flow::Features(features) => Ok(features.clone()),
        other => Err(misplaced(node, other, "it must come before the model")),
    }
}

/// A number per feature: a list of one stands for all.
pub(super) fn spread(what: &str, numbers: &[f64], width: usize) -> Result<Vec<f64>, ImportError> {
    if let [one] = numbers {
        return Ok(vec![*one; width]);
    }
    expect_length(what, numbers.len(), width)?;
    Ok(numbers.to_vec())
}

/// `(x - offset) * scale`.
pub(super) fn scaler(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let mut features = features(run, node)?;
    let offsets = spread("Scaler, offset", node.floats("offset"), features.len())?;
    let scales = spread("Scaler, scale", node.floats("scale"), features.len())?;
    for ((feature, centre), factor) in features.iter_mut().zip(offsets).zip(scales) {
        feature.steps.push(Step::Standard { centre, scale: 1.0 });
        feature.steps.push(Step::Affine { factor, offset: 0.0 });
    }
    Ok(Flow::Features(features))
}

/// Stand-ins for missing values.
pub(super) fn imputer(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let mut features = features(run, node)?;
    let width = features.len();
    let replaced = node.float("replaced_value_float", f64::NAN);
    let numbers = node.floats("imputed_value_floats");
    if !replaced.is_nan() || numbers.is_empty() {
        return Err(ImportError::unsupported(
            "an Imputer of ONNX that replaces a number",
            "leave missing values empty and impute numbers",
        ));
    }
    for (feature, number) in features.iter_mut().zip(spread("Imputer", numbers, width)?) {
        raw(node, feature)?;
        feature.missing.get_or_insert(Scalar::Number(number));
    }
    Ok(Flow::Features(features))
}

/// One feature per category.
pub(super) fn one_hot(run: &mut Run, node: &Node) -> Result<Flow, ImportError> {
    let found = features(run, node)?;
    let texts = node.texts("cats_strings").iter().map(|text| Scalar::Text(text.clone()));
    let numbers = node.integers("cats_int64s").iter().map(|number| Scalar::Number(*number as f64));
    let values: Vec<Scalar> = texts.chain(numbers).collect();
    at_most("features", found.len().saturating_mul(values.len()), run.limits.features)?;
    let mut made = Vec::new();
    for feature in found {
        raw(node, &feature)?;
        if node.integer("zeros", 1) == 0 {
            run.accept(&feature, &values);
        }
        made.extend(values.iter().map(|value| Feature {
            encoding: Encoding::OneOf { values: vec![value.clone()] },
            ..feature.clone()
        }));
    }
    Ok(Flow::Features(made))
}

/// The position of a category; only maps onto 0, 1, 2, ... are positions.
pub(super) fn label_encoder(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let mut features = features(run, node)?;
    let texts = node.texts("keys_strings").iter().map(|text| Scalar::Text(text.clone()));
    let numbers = node.integers("keys_int64s").iter().map(|number| Scalar::Number(*number as f64));
    let floats = node.floats("keys_floats").iter().map(|number| Scalar::Number(*number));
    let values: Vec<Scalar> = texts.chain(numbers).chain(floats).collect();
    at_most("values of a feature", values.len(), run.limits.values)?;
    let codes = node.integers("values_int64s").iter().map(|code| *code as f64);
    let codes: Vec<f64> = codes.chain(node.floats("values_floats").iter().copied()).collect();
    if codes.len() != values.len() || codes.iter().enumerate().any(|(index, code)| *code != index as f64) {
        return Err(ImportError::unsupported(
            "a LabelEncoder of ONNX that does not map its keys to 0, 1, 2, ...",
            "use an ordinal encoder",
        ));
    }
    let unknown = if node.integers("values_int64s").is_empty() {
        node.float("default_float", 0.0)
    } else {
        node.integer("default_int64", -1) as f64
    };
    for feature in &mut features {
        raw(node, feature)?;
        feature.encoding = Encoding::Ordinal { values: values.clone(), unknown: Some(unknown) };
    }
    Ok(Flow::Features(features))
}

/// Features side by side; of a finished prediction, its parts are the prediction.
pub(super) fn concat(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let mut joined: Vec<Feature> = Vec::new();
    let mut finished = None;
    for index in 0..node.inputs.len() {
        match run.value(node, index)? {
            Flow::Features(features) => {
                at_most("features", joined.len() + features.len(), run.limits.features)?;
                joined.extend(features.iter().cloned());
            }
            done @ Flow::Done(_) => finished = Some(done.clone()),
            // The probability of the second class beside that of the first one.
            Flow::Dense(dense) if dense.is_activated() && finished.is_some() => {}
            other => return Err(misplaced(node, other, "only features can be put side by side")),
        }
    }
    match (finished, joined.is_empty()) {
        (Some(done), true) => Ok(done),
        (None, false) => Ok(Flow::Features(joined)),
        _ => Err(ImportError::unsupported("a Concat of features and predictions (ONNX)", "export one model")),
    }
}

/// Some of the features.
pub(super) fn gather(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let found = features(run, node)?;
    let Flow::Constant(chosen) = run.value(node, 1)? else {
        return Err(ImportError::unsupported(
            "a Gather that depends on the row (ONNX)",
            "choose fixed columns",
        ));
    };
    if node.integer("axis", 1) != 1 && node.operator == "Gather" {
        return Err(ImportError::unsupported("a Gather of rows (ONNX)", "choose columns (axis=1)"));
    }
    at_most("features", chosen.numbers.len(), run.limits.features)?;
    let one = |index: &f64| {
        let position = crate::float::code_of(*index).and_then(|index| found.get(index)).cloned();
        position.ok_or_else(|| ImportError::at(&node.operator, format!("column {index} does not exist")))
    };
    Ok(Flow::Features(chosen.numbers.iter().map(one).collect::<Result<_, _>>()?))
}

/// Encoders and imputers look at the values of a column, not at what was made of them.
fn raw(node: &Node, feature: &Feature) -> Result<(), ImportError> {
    if feature.encoding == Encoding::Number && feature.steps.is_empty() {
        return Ok(());
    }
    let operator = format!("{} after another encoder or scaler (ONNX)", node.operator);
    Err(ImportError::unsupported(operator, "encode or impute first"))
}
