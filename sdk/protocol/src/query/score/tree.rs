//! Whether nodes from outside are a tree: one that every walk leaves at a leaf, after few splits.

use super::{MAX_TREE_DEPTH, ScoreNode};

/// Why nodes are no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A node is missing, left over, or not where preorder has it.
    #[error("its nodes are not one tree in preorder")]
    Order,
    /// A path is too long.
    #[error("a row passes more than {MAX_TREE_DEPTH} splits")]
    Depth,
}

/// Checks that nodes are one tree in preorder, no deeper than allowed; gives its depth.
///
/// # Errors
/// What is wrong.
pub fn check_tree(nodes: &[ScoreNode]) -> Result<usize, TreeError> {
    // Where right children have to begin, the innermost last.
    let mut awaited: Vec<u32> = Vec::new();
    // Splits passed on the way to each of them.
    let (mut depths, mut depth, mut deepest) = (Vec::new(), 0usize, 0usize);
    for (at, node) in (0u32..).zip(nodes) {
        match node {
            ScoreNode::Split { right, .. } => {
                depth += 1;
                if depth > MAX_TREE_DEPTH {
                    return Err(TreeError::Depth);
                }
                deepest = deepest.max(depth);
                awaited.push(*right);
                depths.push(depth);
            }
            ScoreNode::Leaf(_) => match awaited.pop() {
                Some(right) if right == at + 1 => depth = depths.pop().unwrap_or(0),
                None if at as usize + 1 == nodes.len() => return Ok(deepest),
                _ => return Err(TreeError::Order),
            },
        }
    }
    Err(TreeError::Order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{predicate::CodeSet, schema::ColumnId};

    fn split(right: u32) -> ScoreNode {
        ScoreNode::Split { column: ColumnId(0), codes: CodeSet::from_codes([1]), right }
    }

    #[test]
    fn only_trees_in_preorder_are_trees() {
        let leaf = || ScoreNode::Leaf(1);
        assert_eq!(check_tree(&[leaf()]), Ok(0));
        assert_eq!(check_tree(&[split(4), split(3), leaf(), leaf(), leaf()]), Ok(2));
        assert_eq!(check_tree(&[split(2), leaf(), split(4), leaf(), leaf()]), Ok(2));
        for wrong in [
            vec![],
            vec![leaf(), leaf()],
            vec![split(2), leaf()],
            vec![split(0), leaf(), leaf()],
            vec![split(3), split(3), leaf(), leaf(), leaf()],
            vec![split(9), leaf(), leaf()],
        ] {
            assert_eq!(check_tree(&wrong), Err(TreeError::Order), "{wrong:?}");
        }
        let deep = (1..=17).map(|at| split(2 * at)).collect::<Vec<_>>();
        assert_eq!(check_tree(&deep), Err(TreeError::Depth));
    }
}
