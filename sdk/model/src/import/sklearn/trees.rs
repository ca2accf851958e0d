//! Trees of scikit-learn: parallel arrays by node.

use super::format::{ExportedTree, ExportedTrees};
use crate::{
    import::{
        ImportError,
        numbers::{child, expect_length},
        tree_builder::{Found, build},
    },
    limits::{Limits, at_most},
    model::{Estimator, Side, Test, Tree},
};

pub(super) fn estimator(exported: ExportedTrees, limits: &Limits) -> Result<Estimator, ImportError> {
    at_most("trees", exported.trees.len(), limits.trees)?;
    at_most("nodes", exported.trees.iter().map(|tree| tree.children_left.len()).sum(), limits.nodes)?;
    let trees = exported.trees.iter().enumerate().map(|(index, found)| tree(index, found, limits));
    Ok(Estimator::Trees {
        trees: trees.collect::<Result<_, _>>()?,
        family: exported.family,
        precision: exported.precision,
        combine: exported.combine,
        base: exported.base,
        link: exported.link,
    })
}

fn tree(index: usize, found: &ExportedTree, limits: &Limits) -> Result<Tree, ImportError> {
    let place = format!("tree {index}");
    let count = found.children_left.len();
    for (what, length) in [
        ("children_right", found.children_right.len()),
        ("feature", found.feature.len()),
        ("threshold", found.threshold.len()),
        ("value", found.value.len()),
    ] {
        expect_length(&format!("{place}, {what}"), length, count)?;
    }
    if !found.missing_go_to_left.is_empty() {
        expect_length(&format!("{place}, missing_go_to_left"), found.missing_go_to_left.len(), count)?;
    }
    let node = |node: usize| {
        let Some(left) = child(found.children_left[node]) else {
            return Ok(Found::Leaf(found.value[node].clone()));
        };
        let wrong = |what: &str| ImportError::at(format!("{place}, node {node}"), what.to_owned());
        Ok(Found::Split {
            left,
            right: child(found.children_right[node]).ok_or_else(|| wrong("it has a left child only"))?,
            feature: child(found.feature[node]).ok_or_else(|| wrong("a split has no feature"))?,
            test: Test::AtMost(found.threshold[node]),
            missing: found
                .missing_go_to_left
                .get(node)
                .map(|left| if *left == 0 { Side::Right } else { Side::Left }),
        })
    };
    let nodes = (0..count).map(node).collect::<Result<Vec<_>, ImportError>>()?;
    build(&place, found.score, 0, &nodes, limits)
}
