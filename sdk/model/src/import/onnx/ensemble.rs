//! TreeEnsembleRegressor and TreeEnsembleClassifier: nodes of all trees in parallel lists.

use std::collections::HashMap;

use super::{
    Run, columns,
    flow::{Estimated, Flow},
    linear,
    proto::Node,
};
use crate::{
    import::{
        ImportError,
        numbers::expect_length,
        tree_builder::{Found, build},
    },
    limits::at_most,
    model::{Combine, Estimator, Link, Precision, Side, Test, Tree, TreeFamily},
};

/// A regression by trees.
pub(super) fn regressor(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let features = columns::features(run, node)?;
    let combine = match node.text("aggregate_function") {
        "" | "SUM" => Combine::Sum,
        "AVERAGE" => Combine::Mean,
        other => {
            let operator = format!("the aggregate_function {other} of TreeEnsembleRegressor (ONNX)");
            return Err(ImportError::unsupported(operator, "use SUM or AVERAGE"));
        }
    };
    if node.integer("n_targets", 1) != 1 || !matches!(node.text("post_transform"), "" | "NONE") {
        return Err(ImportError::unsupported(
            "a TreeEnsembleRegressor with several targets or a post_transform (ONNX)",
            "export one model per target",
        ));
    }
    let trees = trees(run, node, "target", 1, |_, weight| vec![weight])?;
    let base = base(node, 1)?;
    let family = match (trees.len(), node.floats("base_values").is_empty()) {
        (1, _) => TreeFamily::Single,
        (_, true) => TreeFamily::Forest,
        (_, false) => TreeFamily::Boosted,
    };
    let estimator =
        Estimator::Trees { family, precision: Precision::Single, combine, base, trees, link: Link::Identity };
    Ok(Flow::Done(Box::new(Estimated { features, estimator, classes: Vec::new() })))
}

/// A classification by trees.
pub(super) fn classifier(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let features = columns::features(run, node)?;
    let classes = linear::labels(node, "classlabels_int64s");
    at_most("classes", classes.len(), run.limits.classes)?;
    let ids = node.integers("class_ids");
    // With two classes and one class id everywhere, the weights are those of the second class.
    let single = classes.len() == 2 && ids.windows(2).all(|pair| pair[0] == pair[1]);
    let (link, count) = match (node.text("post_transform"), single) {
        ("LOGISTIC", true) => (Link::Sigmoid, 1),
        ("LOGISTIC", false) => (Link::OneVsRest, classes.len()),
        ("SOFTMAX", false) => (Link::Softmax, classes.len()),
        ("" | "NONE", _) => (Link::Probabilities, classes.len()),
        (other, _) => {
            let operator = format!("the post_transform {other} of TreeEnsembleClassifier (ONNX)");
            return Err(ImportError::unsupported(operator, "use NONE, LOGISTIC or SOFTMAX"));
        }
    };
    let mut start = base(node, if single { 1 } else { count })?;
    let trees = match (single, count) {
        (true, 1) => trees(run, node, "class", 1, |_, weight| vec![weight])?,
        (true, _) => {
            // The first class has what the second one leaves of 1.
            start = vec![1.0 - start[0], start[0]];
            trees(run, node, "class", 2, |_, weight| vec![-weight, weight])?
        }
        (false, _) => trees(run, node, "class", count, |class, weight| {
            (0..count).map(|index| if index == class { weight } else { 0.0 }).collect()
        })?,
    };
    let family = match (trees.len(), link) {
        (_, Link::Sigmoid | Link::Softmax | Link::OneVsRest) => TreeFamily::Boosted,
        (1, _) => TreeFamily::Single,
        _ => TreeFamily::Forest,
    };
    let estimator = Estimator::Trees {
        family,
        precision: Precision::Single,
        combine: Combine::Sum,
        base: start,
        trees,
        link,
    };
    Ok(Flow::Done(Box::new(Estimated { features, estimator, classes })))
}

/// The score before any tree.
fn base(node: &Node, count: usize) -> Result<Vec<f64>, ImportError> {
    match node.floats("base_values") {
        [] => Ok(vec![0.0; count]),
        some => columns::spread("base_values", some, count),
    }
}

/// All trees. `leaf` turns the position and the weight that a leaf has for a class or target into what
/// it adds to `width` scores; a leaf may have several.
fn trees(
    run: &Run,
    node: &Node,
    prefix: &str,
    width: usize,
    leaf: impl Fn(usize, f64) -> Vec<f64>,
) -> Result<Vec<Tree>, ImportError> {
    let tree_ids = node.integers("nodes_treeids");
    let node_ids = node.integers("nodes_nodeids");
    let count = tree_ids.len();
    at_most("nodes", count, run.limits.nodes)?;
    let (features, modes) = (node.integers("nodes_featureids"), node.texts("nodes_modes"));
    let (yes, no) = (node.integers("nodes_truenodeids"), node.integers("nodes_falsenodeids"));
    let thresholds = node.floats("nodes_values");
    let lengths = [node_ids.len(), features.len(), modes.len(), yes.len(), no.len(), thresholds.len()];
    for length in lengths {
        expect_length(&format!("{}, nodes_*", node.operator), length, count)?;
    }
    let mut at = HashMap::new();
    for (index, key) in tree_ids.iter().zip(node_ids).enumerate() {
        if at.insert(key, index).is_some() {
            let place = format!("{}, tree {}, node {}", node.operator, key.0, key.1);
            return Err(ImportError::at(place, "it is listed twice"));
        }
    }
    let mut leaves = leaf_values(node, prefix, width, &at, count, leaf)?;
    let tracks = node.integers("nodes_missing_value_tracks_true");
    let child = |index: usize, id: &i64| at.get(&(&tree_ids[index], id)).copied().unwrap_or(usize::MAX);
    let mut found = Vec::with_capacity(count);
    for index in 0..count {
        let (left, right) = (child(index, &yes[index]), child(index, &no[index]));
        let threshold = thresholds[index];
        // The opposite of a test has its sides swapped.
        let (test, swapped) = match modes[index].as_str() {
            "LEAF" => {
                let values = leaves[index].take().unwrap_or_else(|| vec![0.0; width]);
                found.push(Found::Leaf(values));
                continue;
            }
            "BRANCH_LEQ" => (Test::AtMost(threshold), false),
            "BRANCH_LT" => (Test::Below(threshold), false),
            "BRANCH_GT" => (Test::AtMost(threshold), true),
            "BRANCH_GTE" => (Test::Below(threshold), true),
            other => {
                let operator = format!("the mode {other} of {} (ONNX)", node.operator);
                return Err(ImportError::unsupported(operator, "use BRANCH_LEQ or BRANCH_LT"));
            }
        };
        // No value answers no test, unless the node says it follows the true branch.
        let follows_true = tracks.get(index).is_some_and(|flag| *flag == 1);
        let missing = Some(if follows_true == swapped { Side::Right } else { Side::Left });
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let feature = usize::try_from(features[index]).unwrap_or(usize::MAX);
        found.push(Found::Split { feature, test, left, right, missing });
    }
    let mut roots: Vec<usize> = Vec::new();
    for (index, id) in tree_ids.iter().enumerate() {
        // Trees are listed one after another, each from its root.
        if index == 0 || tree_ids[index - 1] != *id {
            roots.push(index);
        }
    }
    at_most("trees", roots.len(), run.limits.trees)?;
    let one = |(index, root): (usize, &usize)| {
        build(&format!("{}, tree {index}", node.operator), 0, *root, &found, run.limits)
    };
    roots.iter().enumerate().map(one).collect()
}

/// What each leaf adds, by the position of its node.
fn leaf_values(
    node: &Node,
    prefix: &str,
    width: usize,
    at: &HashMap<(&i64, &i64), usize>,
    count: usize,
    leaf: impl Fn(usize, f64) -> Vec<f64>,
) -> Result<Vec<Option<Vec<f64>>>, ImportError> {
    let trees = node.integers(&format!("{prefix}_treeids"));
    let nodes = node.integers(&format!("{prefix}_nodeids"));
    let ids = node.integers(&format!("{prefix}_ids"));
    let weights = node.floats(&format!("{prefix}_weights"));
    for length in [nodes.len(), ids.len(), weights.len()] {
        expect_length(&format!("{}, {prefix}_*", node.operator), length, trees.len())?;
    }
    at_most("numbers", count.saturating_mul(width), 2_000_000)?;
    let mut leaves: Vec<Option<Vec<f64>>> = vec![None; count];
    for index in 0..trees.len() {
        let place = || format!("{}, {prefix}_ids, entry {index}", node.operator);
        let position = at.get(&(&trees[index], &nodes[index]));
        let position = *position.ok_or_else(|| ImportError::at(place(), "its node does not exist"))?;
        let class = usize::try_from(ids[index]).unwrap_or(usize::MAX);
        if width > 2 && class >= width {
            return Err(ImportError::at(place(), format!("{class} does not exist: there are {width}")));
        }
        let sums = leaves[position].get_or_insert_with(|| vec![0.0; width]);
        for (sum, value) in sums.iter_mut().zip(leaf(class, weights[index])) {
            *sum += value;
        }
    }
    Ok(leaves)
}
