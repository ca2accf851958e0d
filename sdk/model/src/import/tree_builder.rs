//! From a tree as other libraries write it (nodes in any order, children by number) to ours: from the
//! root down, each node once. Cycles and shared nodes are refused, and the stack stays flat.

use super::ImportError;
use crate::{
    limits::{Limits, at_most},
    model::{Node, Side, Test, Tree},
};

/// A node as it is found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    /// A split and the numbers of its children.
    Split { feature: usize, test: Test, left: usize, right: usize, missing: Option<Side> },
    /// A leaf.
    Leaf(Vec<f64>),
}

/// Builds the tree that starts at `root`; nodes that it does not reach are left out.
pub(super) fn build(
    place: &str,
    score: u32,
    root: usize,
    nodes: &[Found],
    limits: &Limits,
) -> Result<Tree, ImportError> {
    at_most("nodes of a tree", nodes.len(), limits.nodes)?;
    let wrong =
        |node: usize, reason: &str| ImportError::at(format!("{place}, node {node}"), reason.to_owned());
    let mut seen = vec![false; nodes.len()];
    // What is still to be visited: the node, its depth, and where its new number is to be written.
    let mut open = vec![(root, 0, None)];
    let mut built: Vec<Node> = Vec::with_capacity(nodes.len());
    while let Some((number, depth, parent)) = open.pop() {
        at_most("splits on a path of a tree", depth, limits.depth)?;
        let Some(node) = nodes.get(number) else {
            return Err(wrong(number, "it is a child, but does not exist: the tree is cut off"));
        };
        if std::mem::replace(&mut seen[number], true) {
            return Err(wrong(number, "it is reached twice: a tree has no cycle and shares no node"));
        }
        let new = u32::try_from(built.len()).unwrap_or(u32::MAX);
        if let Some((parent, side)) = parent
            && let Node::Split { left, right, .. } = &mut built[parent]
        {
            *(if side == Side::Left { left } else { right }) = new;
        }
        built.push(match node {
            Found::Leaf(values) => Node::Leaf(values.clone()),
            Found::Split { feature, test, left, right, missing } => {
                open.push((*right, depth + 1, Some((new as usize, Side::Right))));
                open.push((*left, depth + 1, Some((new as usize, Side::Left))));
                Node::Split {
                    feature: u32::try_from(*feature).unwrap_or(u32::MAX),
                    test: test.clone(),
                    left: 0,
                    right: 0,
                    missing: *missing,
                }
            }
        });
    }
    Ok(Tree { score, nodes: built })
}
