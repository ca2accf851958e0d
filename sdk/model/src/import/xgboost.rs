//! XGBoost's JSON, as `save_model("model.json")` writes it.

use serde::Deserialize;

use super::{
    ImportError, input_names, json,
    numbers::{child, expect_length, logit},
    tree_builder::{Found, build},
};
use crate::{
    limits::{Limits, at_most},
    model::{
        Combine, Estimator, Feature, Format, Input, Link, Model, Precision, Side, Test, Tree, TreeFamily,
    },
};

/// The parts of the file that matter.
#[derive(Deserialize)]
pub(super) struct File {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: Booster,
    learner_model_param: Parameters,
    objective: Objective,
}

#[derive(Deserialize, Default)]
struct Attributes {
    /// Set by early stopping; predictions use the trees up to and with this iteration.
    best_iteration: Option<String>,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    model: Option<Trees>,
}

#[derive(Deserialize)]
struct Trees {
    tree_info: Vec<u32>,
    trees: Vec<FoundTree>,
    #[serde(default)]
    iteration_indptr: Vec<usize>,
}

#[derive(Deserialize)]
struct Parameters {
    base_score: String,
    num_class: String,
    num_feature: String,
    #[serde(default = "one")]
    num_target: String,
}

fn one() -> String {
    "1".to_owned()
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct FoundTree {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<usize>,
    /// The threshold of a split, the value of a leaf.
    split_conditions: Vec<f64>,
    default_left: Vec<u8>,
    #[serde(default)]
    split_type: Vec<u8>,
}

/// Reads XGBoost's JSON. Classes are labelled `0`, `1`, ...: the file does not keep their names.
///
/// # Errors
/// When it is too large, uses what is not supported, or is not well formed.
pub fn xgboost(bytes: &[u8], names: Option<&[String]>, limits: &Limits) -> Result<Model, ImportError> {
    model(&json::<File>("the model of XGBoost", bytes, limits)?, names, limits)
}

/// From a file that was read.
pub(super) fn model(file: &File, names: Option<&[String]>, limits: &Limits) -> Result<Model, ImportError> {
    let learner = &file.learner;
    let parameters = &learner.learner_model_param;
    if number("num_target", &parameters.num_target)? > 1 {
        return Err(ImportError::unsupported("XGBoost with several targets", "fit one model per target"));
    }
    let width = number("num_feature", &parameters.num_feature)?;
    let count = number("num_class", &parameters.num_class)?.max(1);
    at_most("classes", count, limits.classes)?;
    let booster = &learner.gradient_booster;
    let trees = match (booster.name.as_str(), &booster.model) {
        ("gbtree", Some(trees)) => trees,
        (name, _) => {
            let operator = format!("XGBoost's booster `{name}`");
            return Err(ImportError::unsupported(operator, "fit with booster=\"gbtree\""));
        }
    };
    at_most("inputs", width, limits.inputs)?;
    let found = match learner.feature_names.as_slice() {
        [] => (0..width).map(|index| format!("f{index}")).collect(),
        names => names.to_vec(),
    };
    let inputs = input_names(names, found, width, limits)?;
    let (link, base) = link_and_base(&learner.objective.name, &parameters.base_score, count)?;
    let classes = match link {
        Link::Identity | Link::Exp => 0,
        Link::Sigmoid | Link::Cutoff { .. } => 2,
        _ => count,
    };
    let used = used_trees(trees, learner.attributes.best_iteration.as_deref())?;
    let model = Model {
        format: Format::V1,
        features: (0..inputs.len()).map(|index| Feature::number(index as u32)).collect(),
        inputs: inputs.into_iter().map(|name| Input { name, values: None }).collect(),
        classes: (0..classes).map(|class| class.to_string()).collect(),
        estimator: Estimator::Trees {
            family: TreeFamily::Boosted,
            precision: Precision::Single,
            combine: Combine::Sum,
            base,
            trees: read_trees(trees, used, limits)?,
            link,
        },
    };
    model.validate(limits)?;
    Ok(model)
}

/// A count that the file keeps as text.
fn number(name: &str, text: &str) -> Result<usize, ImportError> {
    text.parse().map_err(|_| ImportError::at(name, format!("`{text}` is not a count")))
}

/// How scores are read, and the score before any tree. `base_score` is kept as a prediction, not as a
/// score, so the link is undone.
fn link_and_base(objective: &str, base: &str, count: usize) -> Result<(Link, Vec<f64>), ImportError> {
    let entries = base.trim().trim_start_matches('[').trim_end_matches(']').split(',');
    let entries = entries.take(count + 1).map(|entry| {
        // XGBoost computes with 32 bits.
        let entry: f32 = entry
            .trim()
            .parse()
            .map_err(|_| ImportError::at("base_score", format!("`{entry}` is not a number")))?;
        Ok(f64::from(entry))
    });
    let entries = entries.collect::<Result<Vec<f64>, ImportError>>()?;
    let base = match entries.as_slice() {
        [one] => vec![*one; count],
        several => several.to_vec(),
    };
    expect_length("base_score", base.len(), count)?;
    let single = |link, base: Result<f64, ImportError>| {
        expect_length("num_class", count, 1)?;
        Ok((link, vec![base?]))
    };
    match objective {
        "reg:squarederror" | "reg:absoluteerror" | "reg:pseudohubererror" | "reg:squaredlogerror" => {
            single(Link::Identity, Ok(base[0]))
        }
        "binary:logistic" => single(Link::Sigmoid, logit("base_score", base[0])),
        "binary:hinge" => single(Link::Cutoff { at: 0.0 }, Ok(base[0])),
        "count:poisson" | "reg:gamma" | "reg:tweedie" if base[0] > 0.0 => single(Link::Exp, Ok(base[0].ln())),
        "multi:softprob" | "multi:softmax" => Ok((Link::Softmax, base)),
        other => Err(ImportError::unsupported(
            format!("XGBoost's objective `{other}`"),
            "use reg:squarederror, binary:logistic, multi:softprob, count:poisson, reg:gamma or reg:tweedie",
        )),
    }
}

/// How many trees predictions use.
fn used_trees(trees: &Trees, best: Option<&str>) -> Result<usize, ImportError> {
    expect_length("tree_info", trees.tree_info.len(), trees.trees.len())?;
    let Some(best) = best else { return Ok(trees.trees.len()) };
    let end = trees.iteration_indptr.get(number("best_iteration", best)?.saturating_add(1));
    end.copied().filter(|end| *end <= trees.trees.len()).ok_or_else(|| {
        ImportError::at(
            "best_iteration",
            "the file does not say which trees it means: save booster[:best + 1]",
        )
    })
}

fn read_trees(trees: &Trees, used: usize, limits: &Limits) -> Result<Vec<Tree>, ImportError> {
    at_most("trees", used, limits.trees)?;
    at_most("nodes", trees.trees.iter().map(|tree| tree.left_children.len()).sum(), limits.nodes)?;
    let read = trees.trees.iter().zip(&trees.tree_info).take(used).enumerate();
    read.map(|(index, (found, score))| tree(index, *score, found, limits)).collect()
}

fn tree(index: usize, score: u32, found: &FoundTree, limits: &Limits) -> Result<Tree, ImportError> {
    let place = format!("tree {index}");
    let count = found.left_children.len();
    for (what, length) in [
        ("right_children", found.right_children.len()),
        ("split_indices", found.split_indices.len()),
        ("split_conditions", found.split_conditions.len()),
        ("default_left", found.default_left.len()),
    ] {
        expect_length(&format!("{place}, {what}"), length, count)?;
    }
    if found.split_type.iter().any(|kind| *kind != 0) {
        return Err(ImportError::unsupported(
            format!("a categorical split of XGBoost ({place})"),
            "encode categories before the model (one-hot or ordinal) and fit with enable_categorical=False",
        ));
    }
    let node = |node: usize| {
        // Kept as the decimal text of a 32-bit number.
        let condition = f64::from(found.split_conditions[node] as f32);
        let Some(left) = child(found.left_children[node]) else { return Ok(Found::Leaf(vec![condition])) };
        let right = child(found.right_children[node])
            .ok_or_else(|| ImportError::at(format!("{place}, node {node}"), "it has a left child only"))?;
        let missing = if found.default_left[node] == 0 { Side::Right } else { Side::Left };
        Ok(Found::Split {
            feature: found.split_indices[node],
            test: Test::Below(condition),
            left,
            right,
            missing: Some(missing),
        })
    };
    let nodes = (0..count).map(node).collect::<Result<Vec<_>, ImportError>>()?;
    build(&place, score, 0, &nodes, limits)
}
