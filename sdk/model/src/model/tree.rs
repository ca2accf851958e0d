//! Decision trees as flat lists of nodes. A child always stands after its parent, so that walking,
//! measuring and checking a tree are loops.

use serde::{Deserialize, Serialize};

use super::{ModelError, error::place};
use crate::limits::{Limits, at_most};

/// One tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The score that the first value of a leaf adds to; the next value adds to the next score.
    pub score: u32,
    /// The root is the first; every other node is the child of exactly one node before it.
    pub nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Node {
    /// A question about one feature.
    Split {
        /// Which feature.
        feature: u32,
        /// The question.
        test: Test,
        /// The node where the answer is yes.
        left: u32,
        /// The node where the answer is no.
        right: u32,
        /// Where rows without a value go; `None` where the model has no answer for them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<Side>,
    },
    /// What is added to the scores.
    Leaf(Vec<f64>),
}

/// A question about a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Test {
    /// Whether it is at most this.
    AtMost(f64),
    /// Whether it is below this.
    Below(f64),
    /// Whether it is one of these codes, ascending (of an ordinal feature).
    OneOf(Vec<u32>),
}

/// A side of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// As if the answer were yes.
    Left,
    /// As if the answer were no.
    Right,
}

impl Test {
    /// The answer for a value.
    pub fn holds(&self, value: f64) -> bool {
        match self {
            Self::AtMost(threshold) => value <= *threshold,
            Self::Below(threshold) => value < *threshold,
            // A code is a small integer; anything else is none of them.
            Self::OneOf(codes) => {
                value >= 0.0 && value < f64::from(u32::MAX) && codes.binary_search(&(value as u32)).is_ok()
            }
        }
    }
}

impl Tree {
    /// Number of leaves.
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node, Node::Leaf(_))).count()
    }

    /// Splits on the longest path from the root to a leaf, of a tree that is valid.
    pub fn depth(&self) -> usize {
        let mut depths = vec![0; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            if let Node::Split { left, right, .. } = node {
                for child in [left, right] {
                    depths[*child as usize] = depths[index] + 1;
                }
            }
        }
        depths.into_iter().max().unwrap_or(0)
    }

    /// The values of the leaf that a row reaches; `value` gives a feature, `None` where it is missing.
    /// `None` when a missing value meets a split that has no answer for it: its feature is the error.
    ///
    /// # Errors
    /// The feature that is missing.
    pub fn leaf(&self, value: impl Fn(usize) -> Option<f64>) -> Result<&[f64], usize> {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(values) => return Ok(values),
                Node::Split { feature, test, left, right, missing } => {
                    let goes_left = match value(*feature as usize) {
                        Some(value) => test.holds(value),
                        None => matches!(missing.ok_or(*feature as usize)?, Side::Left),
                    };
                    at = if goes_left { *left } else { *right } as usize;
                }
            }
        }
    }

    /// Checks that this is a tree over so many features that adds to so many scores.
    pub(super) fn check(
        &self,
        index: usize,
        features: usize,
        scores: usize,
        limits: &Limits,
    ) -> Result<(), ModelError> {
        let at = |node: usize| place("tree", index, "node", node);
        if self.nodes.is_empty() {
            return Err(ModelError::new(format!("tree {index}"), "it has no node: drop it"));
        }
        let mut depths: Vec<Option<usize>> = vec![None; self.nodes.len()];
        depths[0] = Some(0);
        let mut width = None;
        for (number, node) in self.nodes.iter().enumerate() {
            let depth = depths[number].ok_or_else(|| {
                ModelError::new(
                    at(number),
                    "no node before it has it as a child: list a tree from its root down",
                )
            })?;
            at_most("splits on a path of a tree", depth, limits.depth)?;
            match node {
                Node::Split { feature, test, left, right, .. } => {
                    if *feature as usize >= features {
                        let reason = format!("feature {feature} does not exist: there are {features}");
                        return Err(ModelError::new(at(number), reason));
                    }
                    check_test(test, limits).map_err(|reason| ModelError::new(at(number), reason))?;
                    for child in [*left as usize, *right as usize] {
                        if child <= number {
                            let reason = format!("child {child} does not come after it: a tree has no cycle");
                            return Err(ModelError::new(at(number), reason));
                        }
                        match depths.get_mut(child) {
                            None => {
                                let reason = format!("child {child} does not exist");
                                return Err(ModelError::new(at(number), reason));
                            }
                            Some(Some(_)) => {
                                let reason = format!("node {child} has two parents: give each its own copy");
                                return Err(ModelError::new(at(number), reason));
                            }
                            Some(slot) => *slot = Some(depth + 1),
                        }
                    }
                }
                Node::Leaf(values) => {
                    let fits =
                        (self.score as usize).checked_add(values.len()).is_some_and(|end| end <= scores);
                    if values.is_empty() || !fits || width.is_some_and(|width| width != values.len()) {
                        let reason = format!(
                            "{} values from score {}: all leaves of a tree add to the same of the {scores} scores",
                            values.len(),
                            self.score
                        );
                        return Err(ModelError::new(at(number), reason));
                    }
                    width = Some(values.len());
                    if values.iter().any(|value| !value.is_finite()) {
                        return Err(ModelError::new(at(number), "a leaf value is not a finite number"));
                    }
                }
            }
        }
        Ok(())
    }
}

fn check_test(test: &Test, limits: &Limits) -> Result<(), String> {
    match test {
        Test::AtMost(threshold) | Test::Below(threshold) if !threshold.is_finite() => {
            Err("the threshold is not a finite number".to_owned())
        }
        Test::OneOf(codes) if codes.len() > limits.values || !codes.is_sorted_by(|a, b| a < b) => {
            Err(format!("its codes must ascend and be at most {}", limits.values))
        }
        Test::AtMost(_) | Test::Below(_) | Test::OneOf(_) => Ok(()),
    }
}
