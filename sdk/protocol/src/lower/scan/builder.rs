//! Building a straight-line program: equal operations are one register, and only what an output needs
//! is kept.

use std::collections::BTreeMap;

use crate::{cost::OperationCounts, layout::Slice, parameters::ParameterSet};

mod emit;

/// An operation of the program being built.
pub(super) type Node = usize;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Operation {
    Load(Slice),
    Sum(Vec<Node>),
    Combine(Vec<(Node, i64)>),
    Subtract(Node, Node),
    Multiply(Node, Node),
}

/// Operations in an order where operands come first.
#[derive(Debug, Default)]
pub(super) struct Builder {
    operations: Vec<Operation>,
    depths: Vec<u32>,
    seen: BTreeMap<Operation, Node>,
}

/// What a program under construction costs, in the order in which costs matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Effort {
    multiplications: usize,
    loads: usize,
    additions: usize,
}

impl Builder {
    fn push(&mut self, operation: Operation) -> Node {
        if let Some(node) = self.seen.get(&operation) {
            return *node;
        }
        let depth = match &operation {
            Operation::Load(_) => 0,
            Operation::Sum(nodes) => nodes.iter().map(|node| self.depths[*node]).max().unwrap_or(0),
            Operation::Combine(terms) => terms.iter().map(|(node, _)| self.depths[*node]).max().unwrap_or(0),
            Operation::Subtract(a, b) => self.depths[*a].max(self.depths[*b]),
            Operation::Multiply(a, b) => self.depths[*a].max(self.depths[*b]) + 1,
        };
        let node = self.operations.len();
        self.seen.insert(operation.clone(), node);
        self.operations.push(operation);
        self.depths.push(depth);
        node
    }

    pub(super) fn depth(&self, node: Node) -> u32 {
        self.depths[node]
    }

    /// Whether it is a product, not yet relinearised.
    pub(super) fn is_product(&self, node: Node) -> bool {
        matches!(self.operations[node], Operation::Multiply(..))
    }

    pub(super) fn load(&mut self, slice: Slice) -> Node {
        self.push(Operation::Load(slice))
    }

    /// 1 for every row: the mask that selects everything.
    pub(super) fn exists(&mut self) -> Node {
        self.load(Slice::Exists)
    }

    /// The mask that selects nothing.
    pub(super) fn nothing(&mut self) -> Node {
        let exists = self.exists();
        self.push(Operation::Subtract(exists, exists))
    }

    /// A sum with integer coefficients; at least one term.
    pub(super) fn combine(&mut self, mut terms: Vec<(Node, i64)>) -> Node {
        terms.sort_unstable();
        match terms[..] {
            [(only, 1)] => only,
            _ if terms.iter().all(|(_, factor)| *factor == 1) => {
                self.sum(terms.into_iter().map(|(node, _)| node).collect())
            }
            _ => self.push(Operation::Combine(terms)),
        }
    }

    /// The sum of nodes, at least one: for masks, of such as are never 1 together.
    pub(super) fn sum(&mut self, mut nodes: Vec<Node>) -> Node {
        if let [only] = nodes[..] {
            return only;
        }
        nodes.sort_unstable();
        self.push(Operation::Sum(nodes))
    }

    /// The rows that a mask does not select.
    pub(super) fn complement(&mut self, mask: Node) -> Node {
        let exists = self.exists();
        self.difference(exists, mask)
    }

    /// The rows of `mask` without those of `part`, all of which it selects.
    pub(super) fn difference(&mut self, mask: Node, part: Node) -> Node {
        self.push(Operation::Subtract(mask, part))
    }

    pub(super) fn multiply(&mut self, a: Node, b: Node) -> Node {
        self.push(Operation::Multiply(a.min(b), a.max(b)))
    }

    /// The conjunction of masks, the shallowest first, so that the product is as shallow as can be;
    /// without masks, everything.
    pub(super) fn conjunction(&mut self, masks: Vec<Node>) -> Node {
        self.shrink(masks, 1).first().copied().unwrap_or_else(|| self.exists())
    }

    /// Multiplies the two shallowest of `masks` until there are at most `most`.
    pub(super) fn shrink(&mut self, mut masks: Vec<Node>, most: usize) -> Vec<Node> {
        masks.sort_unstable();
        masks.dedup();
        while masks.len() > most.max(1) {
            masks.sort_unstable_by_key(|node| (self.depths[*node], *node));
            let product = self.multiply(masks[0], masks[1]);
            masks.drain(..2);
            masks.push(product);
        }
        masks
    }

    /// The effort of everything built so far.
    pub(super) fn effort(&self) -> Effort {
        let mut effort = Effort { multiplications: 0, loads: 0, additions: 0 };
        for operation in &self.operations {
            match operation {
                Operation::Load(_) => effort.loads += 1,
                Operation::Sum(nodes) => effort.additions += nodes.len() - 1,
                Operation::Combine(terms) => effort.additions += terms.len(),
                Operation::Subtract(..) => effort.additions += 1,
                Operation::Multiply(..) => effort.multiplications += 1,
            }
        }
        effort
    }

    /// About the operations built so far, and the depth of the last.
    pub(super) fn counts(&self, set: ParameterSet) -> (OperationCounts, u32) {
        let Effort { multiplications, loads, additions } = self.effort();
        let products = OperationCounts::of_products(set, multiplications as u64);
        let counts = OperationCounts { loads: loads as u64, additions: additions as u64, ..products };
        (counts, self.depths.last().copied().unwrap_or(0))
    }
}

impl Operation {
    fn operands(&self, mut each: impl FnMut(Node)) {
        match self {
            Self::Load(_) => {}
            Self::Sum(nodes) => nodes.iter().for_each(|node| each(*node)),
            Self::Combine(terms) => terms.iter().for_each(|(node, _)| each(*node)),
            Self::Subtract(a, b) | Self::Multiply(a, b) => {
                each(*a);
                each(*b);
            }
        }
    }
}
