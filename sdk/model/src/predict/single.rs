//! Trees over one row, a tree in each slot: every tree is completed to depth 4, and all are evaluated
//! together.

use sordino_protocol::{
    predict::{Evaluation, Input, Leaves, Packing, TREE_LEAVES, TREE_NODES},
    schema::Schema,
};

use super::{Compiled, PredictError, Target, line::centred, splits::codes, trees::added, trees::heights};
use crate::quantised::{IntegerNode, IntegerTree};

/// Splits on a path.
const DEPTH: usize = TREE_LEAVES.ilog2() as usize;

pub(super) fn compile(
    base: &[i64],
    trees: &[IntegerTree],
    schema: &Schema,
    target: Target,
) -> Result<Compiled, PredictError> {
    let mut tests = Vec::with_capacity(trees.len());
    let modulus = target.numbers.plaintext_modulus;
    let mut scores: Vec<Leaves> = base
        .iter()
        .map(|base| Leaves {
            trees: Vec::with_capacity(trees.len()),
            constant: centred(i128::from(*base), modulus),
        })
        .collect();
    for tree in trees {
        let found = heights(tree)?[0];
        if found > DEPTH {
            return Err(PredictError::Depth { found, limit: DEPTH });
        }
        let places = complete(tree);
        tests.push(places[..TREE_NODES].iter().map(|at| test(tree, *at, schema)).collect::<Result<_, _>>()?);
        for (score, leaves) in scores.iter_mut().enumerate() {
            let value = |at: &Option<u32>| match at.map(|at| &tree.nodes[at as usize]) {
                Some(IntegerNode::Leaf(values)) => added(tree, values, score),
                _ => 0,
            };
            leaves.trees.push(places[TREE_NODES..].iter().map(value).collect());
        }
    }
    Ok((Packing::Trees { trees: tests }, Evaluation::Leaves(scores)))
}

/// The node at each place of a complete tree in heap order. A leaf above the bottom is found again at
/// the places below it, so that it does not matter where a row goes there.
fn complete(tree: &IntegerTree) -> Vec<Option<u32>> {
    let mut places = vec![None; TREE_NODES + TREE_LEAVES];
    places[0] = Some(0);
    for place in 0..TREE_NODES {
        let node = places[place].map(|at: u32| (at, &tree.nodes[at as usize]));
        let (left, right) = match node {
            Some((_, IntegerNode::Split { left, right, .. })) => (Some(*left), Some(*right)),
            Some((at, IntegerNode::Leaf(_))) => (Some(at), Some(at)),
            None => (None, None),
        };
        places[2 * place + 1] = left;
        places[2 * place + 2] = right;
    }
    places
}

fn test(tree: &IntegerTree, at: Option<u32>, schema: &Schema) -> Result<Option<Input>, PredictError> {
    match at.map(|at| &tree.nodes[at as usize]) {
        Some(IntegerNode::Split { column, codes: set, .. }) => {
            codes(schema, *column)?;
            Ok(Some(Input::In { column: *column, codes: set.clone() }))
        }
        _ => Ok(None),
    }
}
