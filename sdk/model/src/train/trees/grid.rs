//! The joint cells of all splits of an ensemble: its score is the same for all rows of a cell, so
//! gradients follow from counts by cell.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Class, GroupKey, LabelKind, MAX_GROUP_KEYS, MAX_GROUPS},
    schema::Schema,
};

use super::pieces::Dimension;

/// A partition of the codes of every dimension; cells are its products, in row-major order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid {
    parts: Vec<Vec<CodeSet>>,
}

impl Grid {
    /// One cell.
    pub(super) fn new(dimensions: &[Dimension]) -> Self {
        let all = |dimension: &Dimension| vec![CodeSet::from_ranges(vec![(0, dimension.size)])];
        Self { parts: dimensions.iter().map(all).collect() }
    }

    /// Number of cells.
    pub(super) fn cells(&self) -> u64 {
        self.parts.iter().map(|parts| parts.len() as u64).fold(1, u64::saturating_mul)
    }

    /// With the parts of a dimension cut by a set of codes.
    pub(super) fn refined(&self, dimensions: &[Dimension], dimension: usize, codes: &CodeSet) -> Self {
        let rest = codes.complement(dimensions[dimension].size);
        let mut refined = self.clone();
        let cut = |part: &CodeSet| [part.intersection(codes), part.intersection(&rest)];
        refined.parts[dimension] =
            self.parts[dimension].iter().flat_map(cut).filter(|part| !part.is_empty()).collect();
        refined
    }

    /// Whether it can be asked together with as many more keys: each cut dimension is a key.
    pub(super) fn fits(&self, more: usize, cells: u64) -> bool {
        let keys = self.parts.iter().filter(|parts| parts.len() > 1).count();
        keys + more <= MAX_GROUP_KEYS && self.cells() <= cells
    }

    /// A key for every dimension that is cut.
    pub(super) fn keys(&self, schema: &Schema, dimensions: &[Dimension]) -> Vec<GroupKey> {
        let key = |(parts, dimension): (&Vec<CodeSet>, &Dimension)| {
            let class = |(index, codes): (usize, &CodeSet)| Class {
                label: Some(index.to_string()),
                when: Predicate::column_in(schema, dimension.column, codes.clone()),
            };
            let classes = parts.iter().enumerate().map(class).collect();
            GroupKey::Classes { kind: LabelKind::Integer, classes }
        };
        self.parts.iter().zip(dimensions).filter(|(parts, _)| parts.len() > 1).map(key).collect()
    }

    /// A code of every dimension that lies in the cell.
    pub(super) fn codes(&self, cell: usize) -> Vec<u32> {
        self.shape(cell).iter().map(|codes| codes.codes().next().unwrap_or(0)).collect()
    }

    /// The codes of every dimension that the cell is made of.
    pub(super) fn shape(&self, mut cell: usize) -> Vec<CodeSet> {
        let mut shape = Vec::with_capacity(self.parts.len());
        for parts in self.parts.iter().rev() {
            shape.push(parts[cell % parts.len()].clone());
            cell /= parts.len();
        }
        shape.reverse();
        shape
    }

    /// A grid of the most cells that so many cuts make within the limits.
    pub(super) fn largest(dimensions: &[Dimension], more: usize, cells: u64, cuts: usize) -> Self {
        let cells = usize::try_from(cells).unwrap_or(usize::MAX).min(MAX_GROUPS as usize);
        // By number of cells and of keys, the classes of each dimension that need the fewest cuts.
        let width = (MAX_GROUP_KEYS + 1).saturating_sub(more);
        let none: Vec<Option<Vec<usize>>> = vec![None; (cells + 1) * width];
        let mut reached = none.clone();
        reached[width] = Some(vec![]);
        let cut = |classes: &[usize]| -> usize {
            classes.iter().zip(dimensions).map(|(classes, dimension)| dimension.least_cuts(*classes)).sum()
        };
        for dimension in dimensions {
            let mut next = none.clone();
            for (position, before) in reached.iter().enumerate() {
                let Some(before) = before else { continue };
                let (product, keys) = (position / width, position % width);
                for classes in 1..=dimension.most_classes().min(cells / product) {
                    let with = [before.as_slice(), &[classes]].concat();
                    let keys = keys + usize::from(classes > 1);
                    if keys == width || cut(&with) > cuts {
                        continue;
                    }
                    let slot = &mut next[product * classes * width + keys];
                    if slot.as_ref().is_none_or(|other| cut(&with) < cut(other)) {
                        *slot = Some(with);
                    }
                }
            }
            reached = next;
        }
        let mut grid = Self::new(dimensions);
        for (index, classes) in reached.into_iter().flatten().next_back().into_iter().flatten().enumerate() {
            let null = dimensions[index].null.map(|code| CodeSet::from_codes([code]));
            let cuts = null.into_iter().chain(dimensions[index].parts.iter().cloned());
            for codes in cuts.take(classes - 1) {
                grid = grid.refined(dimensions, index, &codes);
            }
        }
        grid
    }
}

#[cfg(test)]
mod tests {
    use sordino_protocol::schema::ColumnId;

    use super::*;

    #[test]
    fn cells_are_products_of_parts() {
        let dimension = |column, size| Dimension {
            column: ColumnId(column),
            size,
            null: None,
            parts: (1..size).map(|cut| CodeSet::from_ranges(vec![(0, cut)])).collect(),
            ordered: true,
        };
        let dimensions = [dimension(0, 4), dimension(1, 3)];
        let grid = Grid::new(&dimensions).refined(&dimensions, 0, &CodeSet::from_ranges(vec![(0, 2)]));
        let grid = grid.refined(&dimensions, 1, &CodeSet::from_codes([1]));
        assert_eq!(grid.cells(), 4);
        let codes: Vec<_> = (0..4).map(|cell| grid.codes(cell)).collect();
        assert_eq!(codes, [[0, 1], [0, 0], [2, 1], [2, 0]]);
        assert_eq!(grid.refined(&dimensions, 0, &CodeSet::from_ranges(vec![(0, 2)])), grid);
        assert!(grid.fits(6, 4) && !grid.fits(7, 4) && !grid.fits(0, 3));
        let largest = |more, cells, cuts| Grid::largest(&dimensions, more, cells, cuts).cells();
        assert_eq!(largest(0, 100, 100), 12);
        assert_eq!(largest(0, 11, 100), 9);
        assert_eq!(largest(7, 12, 100), 4, "one key is left");
        assert_eq!(largest(0, 100, 3), 6);
        assert_eq!(largest(0, 100, 0), 1);
    }
}
