//! Trees over a batch, a row in each slot.
//!
//! A tree is cut below some level. What it adds is `sum_j P_j B_j` over the nodes j below the cut:
//! P_j is 1 where the path leads there, a product of tests, and B_j is what the subtree adds. One of
//! them goes without a product, because the P_j sum up to 1: `B_k + sum_j P_j (B_j - B_k)`. Both parts
//! are cut in turn, so that the depth in products is the logarithm of the depth of the tree; a tree of
//! depth 4 takes nine products, of depth 2.

use std::collections::BTreeMap;

use sordino_protocol::{
    predict::{Evaluation, InputEncoding, Output, Packing},
    program::Register,
    schema::Schema,
};

use super::{
    Compiled, PredictError, Target,
    line::{Line, centred},
    splits::Splits,
    value::Value,
};
use crate::quantised::{IntegerNode, IntegerTree};

/// The most splits on a path: deeper trees have no room in any set.
const MAX_DEPTH: usize = 16;

/// For each node of a tree the splits on its longest path down. No recursion: children stand after
/// their parents.
pub(super) fn heights(tree: &IntegerTree) -> Result<Vec<usize>, PredictError> {
    if tree.nodes.is_empty() {
        return Err(PredictError::Model("a tree has a node"));
    }
    let mut heights = vec![0usize; tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        if let IntegerNode::Split { left, right, .. } = node {
            let below = |child: &u32| heights.get(*child as usize).filter(|_| *child as usize > at);
            let (Some(left), Some(right)) = (below(left), below(right)) else {
                return Err(PredictError::Model("a child stands after its parent"));
            };
            heights[at] = 1 + (*left).max(*right);
        }
    }
    Ok(heights)
}

/// Whether any tree needs a product.
pub(super) fn multiply(trees: &[IntegerTree]) -> Result<bool, PredictError> {
    let mut any = false;
    for tree in trees {
        let found = heights(tree)?[0];
        if found > MAX_DEPTH {
            return Err(PredictError::Depth { found, limit: MAX_DEPTH });
        }
        any |= found > 1;
    }
    Ok(any)
}

/// What a leaf adds to a score.
pub(super) fn added(tree: &IntegerTree, leaf: &[i64], score: usize) -> i64 {
    score.checked_sub(tree.score as usize).and_then(|at| leaf.get(at)).copied().unwrap_or(0)
}

pub(super) fn compile(
    base: &[i64],
    trees: &[IntegerTree],
    schema: &Schema,
    encoding: InputEncoding,
    target: Target,
) -> Result<Compiled, PredictError> {
    let splits = Splits::new(trees, schema, encoding)?;
    let modulus = target.numbers.plaintext_modulus;
    let mut line = Line::new(splits.inputs.len(), modulus);
    let mut totals: Vec<Total> = base.iter().map(|base| Total::new(*base)).collect();
    for tree in trees {
        let heights = heights(tree)?;
        for (score, total) in totals.iter_mut().enumerate() {
            let mut grown = Grown { tree, heights: &heights, splits: &splits, line: &mut line, score };
            let value = grown.value(0)?;
            total.add(value, &mut line)?;
        }
    }
    let registers = totals.iter().map(|total| total.settle(&mut line)).collect::<Result<Vec<_>, _>>()?;
    let (steps, registers) = line.finish(&registers);
    let output = |(total, register): (&Total, Option<Register>)| Output {
        register,
        constant: centred(total.constant, modulus),
    };
    let outputs = totals.iter().zip(registers).map(output).collect();
    Ok((Packing::Batch { inputs: splits.inputs }, Evaluation::Steps { steps, outputs }))
}

/// A score so far. Slices, relinearised products and products are added up apart and after every tree,
/// so that no more of them are held at once than one tree needs.
struct Total {
    constant: i128,
    /// Of inputs, of relinearised products, of products.
    sums: [Option<Register>; 3],
}

impl Total {
    fn new(base: i64) -> Self {
        Self { constant: i128::from(base), sums: [None; 3] }
    }

    fn add(&mut self, value: Value, line: &mut Line) -> Result<(), PredictError> {
        self.constant += value.constant;
        let (early, late) = value.linear.into_iter().partition(|(register, _)| line.is_input(*register));
        for (sum, terms) in self.sums.iter_mut().zip([early, late, value.products]) {
            let mut terms: BTreeMap<Register, i128> = terms;
            if terms.is_empty() {
                continue;
            }
            if let Some(so_far) = *sum {
                *terms.entry(so_far).or_default() += 1;
            }
            *sum = line.combine(&terms)?;
        }
        Ok(())
    }

    fn settle(&self, line: &mut Line) -> Result<Option<Register>, PredictError> {
        let mut value = Value::default();
        let [early, late, products] = self.sums;
        for register in early.into_iter().chain(late) {
            value.add(&Value::register(register), 1);
        }
        value.products.extend(products.map(|register| (register, 1)));
        line.settle(&value)
    }
}

/// One tree and one score.
struct Grown<'a> {
    tree: &'a IntegerTree,
    heights: &'a [usize],
    splits: &'a Splits<'a>,
    line: &'a mut Line,
    score: usize,
}

impl Grown<'_> {
    /// What the subtree at a node adds. The recursion is as deep as the logarithm of the tree.
    fn value(&mut self, node: u32) -> Result<Value, PredictError> {
        let height = self.heights[node as usize];
        if let IntegerNode::Leaf(values) = &self.tree.nodes[node as usize] {
            return Ok(Value::constant(added(self.tree, values, self.score)));
        }
        // The largest power of two below the height, so that both parts are as deep in products.
        let cut = if height < 3 { 1 } else { 1 << (height - 1).ilog2() };
        let paths = self.paths(node, cut)?;
        let mut below = Vec::with_capacity(paths.len());
        for (path, node) in paths {
            below.push((path, self.value(node)?));
        }
        // Whatever is left out saves a product if it is a constant, and otherwise if all others are
        // multiplied anyway.
        let left_out = below.iter().position(|(_, value)| value.is_constant()).unwrap_or(below.len() - 1);
        let (_, rest) = below.remove(left_out);
        let mut sum = rest.clone();
        for (path, value) in below {
            let difference = value.minus(&rest);
            sum.add(&self.line.multiply(&path, &difference)?, 1);
        }
        Ok(sum)
    }

    /// The nodes so many levels below, or the leaves above, and for each whether a row gets there.
    fn paths(&mut self, node: u32, levels: usize) -> Result<Vec<(Value, u32)>, PredictError> {
        let IntegerNode::Split { column, codes, left, right } = &self.tree.nodes[node as usize] else {
            return Ok(vec![(Value::constant(1), node)]);
        };
        if levels == 1 {
            let passes = self.splits.passes(*column, codes)?;
            let fails = Value::constant(1).minus(&passes);
            return Ok(vec![(passes, *left), (fails, *right)]);
        }
        let mut all = Vec::new();
        for (path, node) in self.paths(node, levels / 2)? {
            let mut further = self.paths(node, levels / 2)?;
            let Some((_, last)) = further.pop() else { continue };
            let mut rest = path.clone();
            for (step, node) in further {
                let product = self.line.multiply(&path, &step)?;
                let product = self.line.relinearised(product)?;
                rest.add(&product, -1);
                all.push((product, node));
            }
            all.push((rest, last));
        }
        Ok(all)
    }
}
