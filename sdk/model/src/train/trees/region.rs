//! The rows of a node: a set of codes of every dimension.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    schema::Schema,
};

use super::pieces::Dimension;

/// A product of sets of codes, one per dimension; `None` is all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region(pub(super) Vec<Option<CodeSet>>);

impl Region {
    /// All rows.
    pub(super) fn all(dimensions: &[Dimension]) -> Self {
        Self(vec![None; dimensions.len()])
    }

    /// The rows inside it with and without a code in `left`.
    pub(super) fn split(&self, dimensions: &[Dimension], dimension: usize, left: &CodeSet) -> (Self, Self) {
        let size = dimensions[dimension].size;
        let part = |set: &CodeSet| {
            let mut region = self.clone();
            let inside =
                region.0[dimension].as_ref().map_or_else(|| set.clone(), |own| own.intersection(set));
            region.0[dimension] = Some(inside);
            region
        };
        (part(left), part(&left.complement(size)))
    }

    /// Whether some rows inside have a code in the set, as far as its shape says.
    pub(super) fn meets(&self, dimension: usize, codes: &CodeSet) -> bool {
        match &self.0[dimension] {
            None => !codes.is_empty(),
            Some(own) => !own.intersection(codes).is_empty(),
        }
    }

    /// Whether a row with these codes is inside.
    pub(super) fn holds(&self, codes: &[u32]) -> bool {
        self.0.iter().zip(codes).all(|(set, code)| set.as_ref().is_none_or(|set| set.contains(*code)))
    }

    /// As a condition.
    pub(super) fn predicate(&self, schema: &Schema, dimensions: &[Dimension]) -> Predicate {
        let parts = self.0.iter().zip(dimensions).filter_map(|(set, dimension)| {
            Some(Predicate::column_in(schema, dimension.column, set.clone()?))
        });
        Predicate::and(schema, parts.collect())
    }

    /// At least `2^level` regions that cost much: half of the cuts are made in the dimension of most codes, the rest
    /// of them in another one for each of its parts. Nodes of two dimensions share least: those of one are
    /// few products, and those of many are multiplied once for all parts.
    pub(super) fn costly(dimensions: &[Dimension], level: u32) -> Vec<Self> {
        let mut order: Vec<usize> = (0..dimensions.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(dimensions[*index].size));
        let others = order.len() - 1;
        let mut regions = vec![Self::all(dimensions)];
        for step in 0..level {
            let first = step < level.div_ceil(2) || others == 0;
            // Regions that lie in one part of the first dimension, and go on alike.
            let alike = 1usize << step.saturating_sub(level.div_ceil(2));
            let cut = |(index, region): (usize, &Self)| {
                let dimension = if first { order[0] } else { order[1 + index / alike % others] };
                region.halved(dimensions, dimension)
            };
            regions = regions.iter().enumerate().flat_map(cut).collect();
        }
        // How much the nodes of a tree share is not known before it has grown: half as many more make up
        // for those that share less.
        let more: Vec<Self> = regions.iter().take(regions.len() / 2).cloned().collect();
        for (index, region) in more.iter().enumerate() {
            let halves = order.iter().map(|dimension| region.halved(dimensions, *dimension));
            if let Some([left, right]) = halves.into_iter().find(|[left, right]| left != right) {
                regions[index] = left;
                regions.push(right);
            }
        }
        regions
    }

    /// Halved by a dimension, or twice the same when it has one code of it left.
    fn halved(&self, dimensions: &[Dimension], dimension: usize) -> [Self; 2] {
        let codes = match &self.0[dimension] {
            Some(codes) => codes.clone(),
            None => CodeSet::from_ranges(vec![(0, dimensions[dimension].size)]),
        };
        if codes.len() < 2 {
            return [self.clone(), self.clone()];
        }
        let half = CodeSet::from_codes(codes.codes().take(codes.len() as usize / 2));
        let (left, right) = self.split(dimensions, dimension, &half);
        [left, right]
    }
}
