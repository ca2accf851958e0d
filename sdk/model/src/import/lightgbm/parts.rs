//! What the text and the JSON of LightGBM have in common: the head of the file and how a model is put
//! together from it and trees.

use crate::{
    import::{ImportError, input_names, numbers::expect_length, tree_builder::Found},
    limits::{Limits, at_most},
    model::{
        Combine, Encoding, Estimator, Feature, Format, Input, Link, Model, Node, Precision, Side, Test, Tree,
        TreeFamily,
    },
    scalar::Scalar,
};

/// What the head of a file says.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) objective: String,
    pub(super) trees_per_iteration: usize,
    pub(super) features: usize,
    pub(super) names: Vec<String>,
    pub(super) average: bool,
    /// Per feature, whether it is categorical.
    pub(super) categorical: Vec<bool>,
    /// The categories of each categorical column of the data frame it was fitted on, in order.
    pub(super) categories: Vec<Vec<Scalar>>,
}

/// Puts a model together.
pub(super) fn model(
    head: Head,
    mut trees: Vec<Tree>,
    names: Option<&[String]>,
    limits: &Limits,
) -> Result<Model, ImportError> {
    at_most("inputs", head.features, limits.inputs)?;
    at_most("classes", head.trees_per_iteration, limits.classes)?;
    let count = head.trees_per_iteration;
    let (link, factor) = link(&head.objective, count)?;
    for node in trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
        if let Node::Leaf(values) = node {
            values.iter_mut().for_each(|value| *value *= factor);
        }
    }
    let classes = match link {
        Link::Identity | Link::Exp => 0,
        Link::Sigmoid => 2,
        _ => count,
    };
    let features = features(&head)?;
    // Averaging is over iterations, each of which has one tree per score.
    let iterations = trees.len() / count.max(1);
    if head.average && iterations > 0 {
        for node in trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            if let Node::Leaf(values) = node {
                values.iter_mut().for_each(|value| *value /= iterations as f64);
            }
        }
    }
    let inputs = input_names(names, head.names, head.features, limits)?;
    let model = Model {
        format: Format::V1,
        inputs: inputs.into_iter().map(|name| Input { name, values: None }).collect(),
        features,
        classes: (0..classes).map(|class| class.to_string()).collect(),
        estimator: Estimator::Trees {
            family: if head.average { TreeFamily::Forest } else { TreeFamily::Boosted },
            precision: Precision::Double,
            combine: Combine::Sum,
            base: vec![0.0; count],
            trees,
            link,
        },
    };
    model.validate(limits)?;
    Ok(model)
}

/// One feature per column: a number, or the position among the categories of the data frame.
fn features(head: &Head) -> Result<Vec<Feature>, ImportError> {
    let mut features: Vec<Feature> = (0..head.features).map(|index| Feature::number(index as u32)).collect();
    if head.categories.is_empty() {
        return Ok(features);
    }
    let categorical: Vec<usize> =
        (0..head.features).filter(|index| head.categorical.get(*index) == Some(&true)).collect();
    expect_length("pandas_categorical", head.categories.len(), categorical.len()).map_err(|_| {
        ImportError::unsupported(
            "a categorical column that no tree could use",
            "drop columns with a single category before fitting",
        )
    })?;
    for (index, values) in categorical.into_iter().zip(&head.categories) {
        // A code below 0 is in no set: unknown categories go to the right, as LightGBM sends them.
        let encoding = Encoding::Ordinal { values: values.clone(), unknown: Some(-1.0) };
        features[index] = Feature { encoding, ..Feature::number(index as u32) };
    }
    Ok(features)
}

/// How scores are read, and what leaf values are multiplied by.
fn link(objective: &str, count: usize) -> Result<(Link, f64), ImportError> {
    let mut words = objective.split_whitespace();
    let name = words.next().unwrap_or_default();
    let mut slope = 1.0;
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", value)) => {
                slope = value
                    .parse()
                    .map_err(|_| ImportError::at("objective", format!("sigmoid:{value} is not a number")))?;
            }
            _ if word == "sqrt" => {
                return Err(ImportError::unsupported(
                    "LightGBM's reg_sqrt",
                    "fit with reg_sqrt=False on transformed labels",
                ));
            }
            _ => {}
        }
    }
    let single = |link, factor| expect_length("num_tree_per_iteration", count, 1).map(|()| (link, factor));
    match name {
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" => {
            single(Link::Identity, 1.0)
        }
        "binary" => single(Link::Sigmoid, slope),
        "poisson" | "gamma" | "tweedie" => single(Link::Exp, 1.0),
        "multiclass" => Ok((Link::Softmax, 1.0)),
        "multiclassova" => Ok((Link::OneVsRest, slope)),
        other => Err(ImportError::unsupported(
            format!("LightGBM's objective `{other}`"),
            "use regression, binary, multiclass, multiclassova, poisson, gamma or tweedie",
        )),
    }
}

/// How a split treats rows without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// They count as 0.
    AsZero,
    /// They go to the default side.
    Default,
}

/// A numerical split.
pub(super) fn numerical(
    feature: usize,
    threshold: f64,
    missing: Missing,
    default_left: bool,
    children: (usize, usize),
) -> Found {
    let left = match missing {
        Missing::AsZero => 0.0 <= threshold,
        Missing::Default => default_left,
    };
    Found::Split {
        feature,
        test: Test::AtMost(threshold),
        left: children.0,
        right: children.1,
        missing: Some(if left { Side::Left } else { Side::Right }),
    }
}

/// A categorical split; what has no value or is not in the set goes right.
pub(super) fn categorical(feature: usize, codes: Vec<u32>, children: (usize, usize)) -> Found {
    Found::Split {
        feature,
        test: Test::OneOf(codes),
        left: children.0,
        right: children.1,
        missing: Some(Side::Right),
    }
}

/// The refusal of linear leaves.
pub(super) fn linear_leaves() -> ImportError {
    ImportError::unsupported("LightGBM's linear_tree", "fit with linear_tree=False")
}

/// The refusal of zeros as missing values.
pub(super) fn zero_as_missing() -> ImportError {
    ImportError::unsupported("LightGBM's zero_as_missing", "fit with zero_as_missing=False")
}
