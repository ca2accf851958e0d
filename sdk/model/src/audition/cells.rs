//! The rows that a tree treats alike: one predicate for each leaf, no two of which take the same row.
//!
//! The conditions on a path are merged column by column. That keeps products shallow under encryption,
//! and makes it plain to the compiler that leaves exclude each other.

use std::collections::BTreeMap;

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::ScoreNode,
    schema::{ColumnId, Schema},
};

use super::{AuditionError, MAX_CELLS};
use crate::quantised::{IntegerNode, IntegerTree};

/// Rows with the same outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell<T> {
    pub(super) when: Predicate,
    pub(super) outcome: T,
}

/// The leaves of a tree that rows can reach, each with what `outcome` makes of its values. A subtree
/// whose leaves have one outcome is a leaf.
pub(super) fn of_tree<T: Clone + PartialEq>(
    schema: &Schema,
    tree: &IntegerTree,
    outcome: impl Fn(&[i64]) -> Result<T, AuditionError>,
) -> Result<Vec<Cell<T>>, AuditionError> {
    let uniform = uniform(tree, outcome)?;
    let mut cells = Vec::new();
    // Rows on a path, by column; a stack of our own, because the depth is the model's.
    let mut queue = vec![(0usize, BTreeMap::<ColumnId, CodeSet>::new())];
    while let Some((at, rows)) = queue.pop() {
        if let Some(outcome) = &uniform[at] {
            if cells.len() == MAX_CELLS {
                return Err(AuditionError::TooManyCells { found: tree.nodes.len().div_ceil(2) });
            }
            cells.push(Cell { when: conjunction(schema, &rows), outcome: outcome.clone() });
            continue;
        }
        let IntegerNode::Split { column, codes, left, right } = &tree.nodes[at] else { continue };
        let all = schema.column(*column).codes();
        let here = rows.get(column).cloned().unwrap_or_else(|| CodeSet::from_ranges(vec![(0, all)]));
        for (child, codes) in [(right, codes.complement(all)), (left, codes.clone())] {
            let both = here.intersection(&codes);
            if !both.is_empty() {
                let mut rows = rows.clone();
                rows.insert(*column, both);
                queue.push((*child as usize, rows));
            }
        }
    }
    Ok(cells)
}

/// A tree in preorder, as scores have them, with what `outcome` makes of its leaves. What no row can
/// reach is left out. A subtree whose leaves have one outcome is a leaf, unless all nodes are to be kept.
pub(super) fn preorder(
    schema: &Schema,
    tree: &IntegerTree,
    keep: bool,
    outcome: impl Fn(&[i64]) -> Result<i64, AuditionError>,
) -> Result<Vec<ScoreNode>, AuditionError> {
    let mut uniform = uniform(tree, outcome)?;
    if keep && uniform.first().is_some_and(Option::is_none) {
        let is_split = |node: &IntegerNode| matches!(node, IntegerNode::Split { .. });
        uniform.iter_mut().zip(&tree.nodes).filter(|(_, node)| is_split(node)).for_each(|(u, _)| *u = None);
    }
    let mut nodes = Vec::new();
    let mut queue = vec![(0usize, BTreeMap::<ColumnId, CodeSet>::new(), None::<usize>)];
    while let Some((at, rows, parent)) = queue.pop() {
        let here = nodes.len();
        if let Some(ScoreNode::Split { right, .. }) = parent.and_then(|parent: usize| nodes.get_mut(parent)) {
            *right = u32::try_from(here).map_err(|_| AuditionError::TooManyCells { found: here })?;
        }
        if let Some(outcome) = &uniform[at] {
            nodes.push(ScoreNode::Leaf(*outcome));
            continue;
        }
        let IntegerNode::Split { column, codes, left, right } = &tree.nodes[at] else { continue };
        let all = schema.column(*column).codes();
        let known = rows.get(column).cloned().unwrap_or_else(|| CodeSet::from_ranges(vec![(0, all)]));
        let (stay, go) = (known.intersection(codes), known.intersection(&codes.complement(all)));
        if stay.is_empty() || go.is_empty() {
            let child = if stay.is_empty() { *right } else { *left };
            queue.push((child as usize, rows, parent));
            continue;
        }
        let with = |codes| {
            let mut rows = rows.clone();
            rows.insert(*column, codes);
            rows
        };
        queue.push((*right as usize, with(go), Some(here)));
        queue.push((*left as usize, with(stay), None));
        nodes.push(ScoreNode::Split { column: *column, codes: codes.clone(), right: 0 });
    }
    Ok(nodes)
}

/// For every node the outcome that all leaves below it have, if they have one.
fn uniform<T: Clone + PartialEq>(
    tree: &IntegerTree,
    outcome: impl Fn(&[i64]) -> Result<T, AuditionError>,
) -> Result<Vec<Option<T>>, AuditionError> {
    let mut found: Vec<Option<T>> = vec![None; tree.nodes.len()];
    if found.is_empty() {
        return Err(AuditionError::Model("a tree has no node"));
    }
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        found[at] = match node {
            IntegerNode::Leaf(values) => Some(outcome(values)?),
            IntegerNode::Split { left, right, .. } => {
                let (left, right) = (*left as usize, *right as usize);
                // A child after its parent: walks end.
                if left.min(right) <= at || left.max(right) >= tree.nodes.len() {
                    return Err(AuditionError::Model("a child stands before its parent or does not exist"));
                }
                if found[left] == found[right] { found[left].clone() } else { None }
            }
        };
    }
    Ok(found)
}

/// The rows whose codes are in all of these sets.
pub(super) fn conjunction(schema: &Schema, rows: &BTreeMap<ColumnId, CodeSet>) -> Predicate {
    let atoms = rows.iter().map(|(column, codes)| Predicate::column_in(schema, *column, codes.clone()));
    Predicate::and(schema, atoms.collect())
}
