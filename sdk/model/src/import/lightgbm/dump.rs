//! LightGBM's JSON (`dump_model`): trees are nested objects. The JSON reader stops at 128 levels, far
//! above the accepted depth; from then on nesting is a list.

use serde::Deserialize;

use super::parts::{self, Head, Missing, categorical, linear_leaves, numerical, zero_as_missing};
use crate::{
    import::{
        ImportError, json,
        tree_builder::{Found, build},
    },
    limits::{Limits, at_most},
    model::{Model, Tree},
    scalar::Scalar,
};

#[derive(Deserialize)]
struct File {
    objective: String,
    num_tree_per_iteration: usize,
    max_feature_idx: usize,
    #[serde(default)]
    average_output: bool,
    #[serde(default)]
    feature_names: Vec<String>,
    tree_info: Vec<Info>,
    #[serde(default)]
    pandas_categorical: Option<Vec<Vec<Scalar>>>,
}

#[derive(Deserialize)]
struct Info {
    tree_structure: Nested,
}

#[derive(Deserialize)]
struct Nested {
    leaf_value: Option<f64>,
    leaf_coeff: Option<Vec<f64>>,
    split_feature: Option<usize>,
    /// A number, or codes joined by `||`.
    threshold: Option<Scalar>,
    decision_type: Option<String>,
    default_left: Option<bool>,
    missing_type: Option<String>,
    left_child: Option<Box<Nested>>,
    right_child: Option<Box<Nested>>,
}

/// Reads a model from `dump_model`'s JSON.
pub(super) fn model(bytes: &[u8], names: Option<&[String]>, limits: &Limits) -> Result<Model, ImportError> {
    let file: File = json("the dump of LightGBM", bytes, limits)?;
    at_most("trees", file.tree_info.len(), limits.trees)?;
    let features = file.max_feature_idx.saturating_add(1);
    at_most("inputs", features, limits.inputs)?;
    let mut is_categorical = vec![false; features];
    let mut nodes = 0;
    let mut trees = Vec::with_capacity(file.tree_info.len());
    for (index, info) in file.tree_info.into_iter().enumerate() {
        let score = (index % file.num_tree_per_iteration.max(1)) as u32;
        let tree = tree(index, score, info.tree_structure, &mut is_categorical, limits)?;
        nodes += tree.nodes.len();
        at_most("nodes", nodes, limits.nodes)?;
        trees.push(tree);
    }
    let head = Head {
        objective: file.objective,
        trees_per_iteration: file.num_tree_per_iteration,
        features,
        names: file.feature_names,
        average: file.average_output,
        categorical: is_categorical,
        categories: file.pandas_categorical.unwrap_or_default(),
    };
    parts::model(head, trees, names, limits)
}

fn tree(
    index: usize,
    score: u32,
    root: Nested,
    is_categorical: &mut [bool],
    limits: &Limits,
) -> Result<Tree, ImportError> {
    let place = format!("tree_info[{index}]");
    let mut nodes: Vec<Option<Found>> = vec![None];
    let mut open = vec![(0, root)];
    while let Some((number, nested)) = open.pop() {
        at_most("nodes", nodes.len(), limits.nodes)?;
        let at = || format!("{place}, node {number}");
        let (Some(left), Some(right)) = (nested.left_child, nested.right_child) else {
            if nested.leaf_coeff.is_some() {
                return Err(linear_leaves());
            }
            let value = nested
                .leaf_value
                .ok_or_else(|| ImportError::at(at(), "it has neither children nor a value"))?;
            nodes[number] = Some(Found::Leaf(vec![value]));
            continue;
        };
        let children = (nodes.len(), nodes.len() + 1);
        nodes.extend([None, None]);
        open.push((children.0, *left));
        open.push((children.1, *right));
        let feature = nested.split_feature.ok_or_else(|| ImportError::at(at(), "a split has no feature"))?;
        let threshold = nested.threshold.ok_or_else(|| ImportError::at(at(), "a split has no threshold"))?;
        nodes[number] = Some(match nested.decision_type.as_deref() {
            Some("<=") => {
                let threshold = threshold
                    .number()
                    .ok_or_else(|| ImportError::at(at(), format!("threshold {threshold} is not a number")))?;
                let missing = match nested.missing_type.as_deref() {
                    Some("Zero") => return Err(zero_as_missing()),
                    Some("NaN") => Missing::Default,
                    _ => Missing::AsZero,
                };
                numerical(feature, threshold, missing, nested.default_left.unwrap_or(false), children)
            }
            Some("==") => {
                if let Some(flag) = is_categorical.get_mut(feature) {
                    *flag = true;
                }
                categorical(feature, codes(&at(), &threshold)?, children)
            }
            other => {
                let operator = format!("the decision `{}` of LightGBM", other.unwrap_or("(none)"));
                return Err(ImportError::unsupported(operator, "expected <= or =="));
            }
        });
    }
    let nodes: Vec<Found> = nodes.into_iter().flatten().collect();
    build(&place, score, 0, &nodes, limits)
}

/// `0||3||4` or a single code.
fn codes(place: &str, threshold: &Scalar) -> Result<Vec<u32>, ImportError> {
    let wrong = || ImportError::at(place, format!("{threshold} is no list of codes joined by ||"));
    let mut codes = match threshold {
        Scalar::Text(text) => text
            .split("||")
            .map(|code| code.parse::<u32>().map_err(|_| wrong()))
            .collect::<Result<Vec<u32>, _>>()?,
        Scalar::Number(number) => {
            let code = crate::float::code_of(*number).and_then(|code| u32::try_from(code).ok());
            vec![code.ok_or_else(wrong)?]
        }
        Scalar::Null => return Err(wrong()),
    };
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}
