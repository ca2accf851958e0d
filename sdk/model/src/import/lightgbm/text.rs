//! LightGBM's text: `key=value` lines, a block per tree.

use std::{collections::HashMap, str::FromStr};

use super::parts::{self, Head, Missing, categorical, linear_leaves, numerical, zero_as_missing};
use crate::{
    import::{
        ImportError,
        numbers::expect_length,
        tree_builder::{Found, build},
    },
    limits::{Limits, at_most},
    model::{Model, Tree},
    scalar::Scalar,
};

/// A block of lines, by key.
type Block<'a> = HashMap<&'a str, &'a str>;

/// Reads a model from text.
pub(in crate::import) fn model(
    text: &str,
    names: Option<&[String]>,
    limits: &Limits,
) -> Result<Model, ImportError> {
    at_most("bytes", text.len(), limits.bytes)?;
    let mut head = Block::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut average = false;
    let mut categories = Vec::new();
    let mut ended = false;
    for line in text.lines() {
        if let Some(list) = line.strip_prefix("pandas_categorical:") {
            categories = pandas_categories(list)?;
        }
        if ended || line.is_empty() {
            continue;
        }
        match line.split_once('=') {
            _ if line == "end of trees" => ended = true,
            Some(("Tree", _)) => {
                at_most("trees", blocks.len() + 1, limits.trees)?;
                blocks.push(Block::new());
            }
            Some((key, value)) => {
                blocks.last_mut().unwrap_or(&mut head).insert(key, value);
            }
            None => average |= line == "average_output",
        }
    }
    if !ended {
        return Err(ImportError::at("end", "`end of trees` is not there: the file is cut off"));
    }
    let head = read_head(&head, average, categories, limits)?;
    let mut nodes = 0;
    let mut trees = Vec::with_capacity(blocks.len());
    for (index, block) in blocks.iter().enumerate() {
        let score = (index % head.trees_per_iteration.max(1)) as u32;
        let tree = tree(index, score, block, limits)?;
        nodes += tree.nodes.len();
        at_most("nodes", nodes, limits.nodes)?;
        trees.push(tree);
    }
    parts::model(head, trees, names, limits)
}

fn read_head(
    block: &Block,
    average: bool,
    categories: Vec<Vec<Scalar>>,
    limits: &Limits,
) -> Result<Head, ImportError> {
    let features: usize = one("the head", block, "max_feature_idx")?;
    let features = features.saturating_add(1);
    at_most("inputs", features, limits.inputs)?;
    let infos = block.get("feature_infos").copied().unwrap_or_default().split(' ');
    Ok(Head {
        objective: block.get("objective").copied().unwrap_or_default().to_owned(),
        trees_per_iteration: one("the head", block, "num_tree_per_iteration")?,
        features,
        names: block
            .get("feature_names")
            .map_or_else(Vec::new, |names| names.split(' ').take(features + 1).map(str::to_owned).collect()),
        average,
        categorical: infos.take(features).map(|info| !info.starts_with('[') && info != "none").collect(),
        categories,
    })
}

/// The categories of the data frame, a JSON list at the end of the file.
fn pandas_categories(list: &str) -> Result<Vec<Vec<Scalar>>, ImportError> {
    let read: Option<Vec<Vec<Scalar>>> = serde_json::from_str(list)
        .map_err(|error| ImportError::Syntax { what: "pandas_categorical", reason: error.to_string() })?;
    Ok(read.unwrap_or_default())
}

fn tree(index: usize, score: u32, block: &Block, limits: &Limits) -> Result<Tree, ImportError> {
    let place = format!("Tree={index}");
    let leaves: usize = one(&place, block, "num_leaves")?;
    at_most("nodes", leaves.saturating_mul(2).saturating_sub(1), limits.nodes)?;
    if block.get("is_linear").is_some_and(|linear| *linear != "0") {
        return Err(linear_leaves());
    }
    let values: Vec<f64> = list(&place, block, "leaf_value", leaves)?;
    let leaf = |value: &f64| Found::Leaf(vec![*value]);
    if leaves <= 1 {
        let nodes: Vec<Found> = values.iter().map(leaf).collect();
        return build(&place, score, 0, &nodes, limits);
    }
    let splits = leaves - 1;
    let left: Vec<i64> = list(&place, block, "left_child", splits)?;
    let right: Vec<i64> = list(&place, block, "right_child", splits)?;
    let features: Vec<usize> = list(&place, block, "split_feature", splits)?;
    let thresholds: Vec<f64> = list(&place, block, "threshold", splits)?;
    let decisions: Vec<u8> = list(&place, block, "decision_type", splits)?;
    let sets = Sets::read(&place, block)?;
    // A child below 0 is a leaf: -1 is the first one. Leaves stand after the splits.
    let number = |child: i64| match usize::try_from(child) {
        Ok(split) => split,
        Err(_) => splits.saturating_add(usize::try_from(-(child + 1)).unwrap_or(usize::MAX)),
    };
    let mut nodes = Vec::with_capacity(splits + leaves);
    for split in 0..splits {
        let children = (number(left[split]), number(right[split]));
        let decision = decisions[split];
        nodes.push(if decision & 1 == 1 {
            categorical(features[split], sets.codes(&place, thresholds[split])?, children)
        } else {
            let missing = match (decision >> 2) & 3 {
                0 => Missing::AsZero,
                1 => return Err(zero_as_missing()),
                _ => Missing::Default,
            };
            numerical(features[split], thresholds[split], missing, decision & 2 == 2, children)
        });
    }
    nodes.extend(values.iter().map(leaf));
    build(&place, score, 0, &nodes, limits)
}

/// Sets of category codes, as bits.
struct Sets {
    boundaries: Vec<usize>,
    words: Vec<u32>,
}

impl Sets {
    fn read(place: &str, block: &Block) -> Result<Self, ImportError> {
        let boundaries = block
            .get("cat_boundaries")
            .map_or(Ok(Vec::new()), |text| numbers(place, "cat_boundaries", text))?;
        let words = block
            .get("cat_threshold")
            .map_or(Ok(Vec::new()), |text| numbers(place, "cat_threshold", text))?;
        Ok(Self { boundaries, words })
    }

    /// The codes of a set; the threshold of a categorical split is the set's number.
    fn codes(&self, place: &str, set: f64) -> Result<Vec<u32>, ImportError> {
        let set = crate::float::code_of(set).unwrap_or(usize::MAX);
        let words = match (self.boundaries.get(set), self.boundaries.get(set.saturating_add(1))) {
            (Some(from), Some(to)) => self.words.get(*from..*to),
            _ => None,
        };
        let words = words.ok_or_else(|| {
            ImportError::at(place, "a categorical split names a set that cat_boundaries does not have")
        })?;
        let bits = words.iter().enumerate().flat_map(|(word, bits)| {
            (0..32u32).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word as u32 * 32 + bit)
        });
        Ok(bits.collect())
    }
}

fn one<T: FromStr>(place: &str, block: &Block, key: &str) -> Result<T, ImportError> {
    let text = block.get(key).ok_or_else(|| ImportError::at(place, format!("`{key}` is not there")))?;
    text.trim().parse().map_err(|_| ImportError::at(place, format!("`{key}` is not a count")))
}

fn list<T: FromStr>(place: &str, block: &Block, key: &str, expected: usize) -> Result<Vec<T>, ImportError> {
    let text = block.get(key).ok_or_else(|| ImportError::at(place, format!("`{key}` is not there")))?;
    let list = numbers(place, key, text)?;
    expect_length(&format!("{place}, {key}"), list.len(), expected)?;
    Ok(list)
}

fn numbers<T: FromStr>(place: &str, key: &str, text: &str) -> Result<Vec<T>, ImportError> {
    let one = |word: &str| {
        word.parse().map_err(|_| {
            let word: String = word.chars().take(40).collect();
            ImportError::at(place, format!("`{key}` holds `{word}`, which is not a number that fits"))
        })
    };
    text.split_whitespace().map(one).collect()
}
