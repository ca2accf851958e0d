//! From grown nodes to a tree of a model.

use sordino_protocol::{
    predicate::CodeSet,
    schema::{Domain, Schema},
};

use super::{pieces::Dimension, region::Region};
use crate::{
    model::{Feature, Node, Side, Test, Tree},
    train::{categorical, columns, error::TrainError},
};

/// A tree while it grows; children stand after their parents.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grown {
    pub(super) nodes: Vec<GrownNode>,
}

/// A node: its rows, and its split or its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GrownNode {
    pub(super) region: Region,
    /// The values of the leaf it is, or would be.
    pub(super) values: Vec<f64>,
    /// Which codes of a dimension go to the node named, and those left to the one after it.
    pub(super) split: Option<(usize, CodeSet, usize)>,
}

impl Grown {
    /// One leaf.
    pub(super) fn leaf(region: Region, values: Vec<f64>) -> Self {
        Self { nodes: vec![GrownNode { region, values, split: None }] }
    }

    /// Splits a leaf; gives the position of the left one of its children.
    pub(super) fn split(
        &mut self,
        dimensions: &[Dimension],
        node: usize,
        (dimension, codes): (usize, CodeSet),
        values: [Vec<f64>; 2],
    ) -> usize {
        let (left, right) = self.nodes[node].region.split(dimensions, dimension, &codes);
        let first = self.nodes.len();
        for (region, values) in [left, right].into_iter().zip(values) {
            self.nodes.push(GrownNode { region, values, split: None });
        }
        self.nodes[node].split = Some((dimension, codes, first));
        first
    }

    /// The values of the leaf of a row with these codes.
    pub(super) fn values(&self, codes: &[u32]) -> &[f64] {
        let mut node = &self.nodes[0];
        while let Some((dimension, left, first)) = &node.split {
            node = &self.nodes[first + usize::from(!left.contains(codes[*dimension]))];
        }
        &node.values
    }

    /// As a tree of a model whose features are [`features`].
    ///
    /// # Errors
    /// When a dimension has none.
    pub(super) fn tree(&self, schema: &Schema, dimensions: &[Dimension]) -> Result<Tree, TrainError> {
        let node = |node: &GrownNode| {
            let Some((index, codes, first)) = &node.split else { return Ok(Node::Leaf(node.values.clone())) };
            let dimension = &dimensions[*index];
            let domain = columns::dimension(schema.column(dimension.column))?;
            let null_left = dimension.null.is_some_and(|null| codes.contains(null));
            let missing = dimension.null.map(|_| if null_left { Side::Left } else { Side::Right });
            let with_value = codes.intersection(&CodeSet::from_ranges(vec![(0, domain.size())]));
            let test = test(domain, &with_value);
            Ok(Node::Split {
                feature: *index as u32,
                test,
                left: *first as u32,
                right: *first as u32 + 1,
                missing,
            })
        };
        let nodes = self.nodes.iter().map(node).collect::<Result<_, TrainError>>()?;
        Ok(Tree { score: 0, nodes })
    }
}

/// Whether a value has one of these codes; of an ordered domain they are the first ones.
fn test(domain: &Domain, codes: &CodeSet) -> Test {
    if !domain.is_ordered() {
        return Test::OneOf(codes.codes().collect());
    }
    match codes.codes().last().and_then(|last| domain.interval(last)) {
        Some((_, high)) => Test::Below(columns::edge(domain, high)),
        // Only rows without a value go left.
        None => Test::Below(domain.interval(0).map_or(0.0, |(low, _)| columns::edge(domain, low))),
    }
}

/// What the trees see: numbers as they are, the code of anything else.
///
/// # Errors
/// When a column is no dimension.
pub(super) fn features(schema: &Schema, dimensions: &[Dimension]) -> Result<Vec<Feature>, TrainError> {
    let feature = |(input, dimension): (usize, &Dimension)| {
        let domain = columns::dimension(schema.column(dimension.column))?;
        let number = Feature::number(input as u32);
        Ok(if domain.is_ordered() { number } else { categorical::ordinal(input, domain) })
    };
    dimensions.iter().enumerate().map(feature).collect()
}
