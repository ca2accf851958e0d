//! What is known of the joint cells of an ensemble. A cell is asked about once, when splits have made it,
//! and only what its codes leave open: a part that holds all of a cell has its total, and one that holds
//! nothing of it no rows.

use std::collections::HashSet;

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::GroupKey,
    schema::Schema,
};

use super::{
    ensemble::Cell,
    gain::Sums,
    grid::Grid,
    pieces::Dimension,
    region::Region,
    split::Histogram,
    target::{Target, node_key},
};
use crate::train::{
    ask::{Ask, Table},
    error::TrainError,
    task::Source,
};

/// Cells with their sums, and what is being asked of those that have none yet.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Codes of every dimension, by cell.
    shapes: Vec<Vec<CodeSet>>,
    cells: Vec<Cell>,
    /// The first cell that is being asked about: the others are known.
    fresh: usize,
    asked: Vec<Batch>,
}

/// One question.
#[derive(Debug, Clone)]
struct Batch {
    cells: Vec<usize>,
    has_total: bool,
    /// Dimensions, and how many of their parts are asked at most.
    parts: Vec<(usize, usize)>,
}

/// Whose cells these are.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) source: &'a Source,
    pub(super) rows: &'a Predicate,
    pub(super) target: &'a Target,
    pub(super) dimensions: &'a [Dimension],
}

impl Known {
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// What is to be asked for the cells of a grid.
    ///
    /// # Errors
    /// When a query would be too large.
    pub(super) fn ask(&mut self, subject: Subject<'_>, grid: &Grid) -> Result<Vec<Ask>, TrainError> {
        let wanted: Vec<Vec<CodeSet>> = (0..grid.cells() as usize).map(|cell| grid.shape(cell)).collect();
        let (mut shapes, mut cells) = (Vec::with_capacity(wanted.len()), Vec::with_capacity(wanted.len()));
        let kept: HashSet<&Vec<CodeSet>> = wanted.iter().collect();
        for (shape, cell) in self.shapes.drain(..).zip(self.cells.drain(..)) {
            if kept.contains(&shape) {
                shapes.push(shape);
                cells.push(cell);
            }
        }
        let known: HashSet<Vec<CodeSet>> = shapes.iter().cloned().collect();
        self.fresh = shapes.len();
        for (index, shape) in wanted.into_iter().enumerate().filter(|(_, shape)| !known.contains(shape)) {
            cells.push((grid.codes(index), subject.nothing()));
            shapes.push(shape);
        }
        (self.shapes, self.cells) = (shapes, cells);
        // Of one question for all, and one for each dimension, whichever takes fewer queries.
        let (together, apart) = (self.together(subject), self.apart(subject));
        let asks = |batches: &[Batch]| -> Result<(usize, Vec<Ask>), TrainError> {
            let asks: Vec<Ask> = batches.iter().map(|batch| self.question(subject, grid, batch)).collect();
            let queries = asks.iter().map(|ask| Ok(ask.queries(subject.source)?.len()));
            Ok((queries.sum::<Result<_, TrainError>>()?, asks))
        };
        let (one, other) = (asks(&together)?, asks(&apart)?);
        let (batches, asks) = if other.0 < one.0 { (apart, other.1) } else { (together, one.1) };
        self.asked = batches;
        Ok(asks)
    }

    /// Takes the answers to what was asked last.
    pub(super) fn answer(&mut self, target: &Target, dimensions: &[Dimension], tables: &[Table]) {
        let mut totals: Vec<Option<Sums>> = vec![None; self.cells.len()];
        for (batch, table) in std::mem::take(&mut self.asked).iter().zip(tables) {
            let noise = target.noise(table);
            for (position, cell) in batch.cells.iter().enumerate() {
                let (_, histogram) = &mut self.cells[*cell];
                histogram.noise.iter_mut().zip(&noise).for_each(|(all, one)| *all = all.max(*one));
                let mut first = 0;
                if batch.has_total {
                    totals[*cell] = target.sums(table, 0, position);
                    first = 1;
                }
                for (dimension, count) in &batch.parts {
                    let open = open(&dimensions[*dimension], &self.shapes[*cell][*dimension]);
                    for (expression, part) in (first..).zip(open) {
                        histogram.parts[*dimension][part] = target.sums(table, expression, position);
                    }
                    first += count;
                }
            }
        }
        for (cell, total) in totals.into_iter().enumerate().skip(self.fresh) {
            let (_, histogram) = &mut self.cells[cell];
            for (index, dimension) in dimensions.iter().enumerate() {
                for part in whole(dimension, &self.shapes[cell][index]) {
                    histogram.parts[index][part].clone_from(&total);
                }
            }
            histogram.total = total.unwrap_or_else(|| vec![0.0; histogram.noise.len()]);
        }
    }

    /// Everything of all new cells in one question.
    fn together(&self, subject: Subject<'_>) -> Vec<Batch> {
        let cells: Vec<usize> = (self.fresh..self.cells.len()).collect();
        let parts = (0..subject.dimensions.len()).map(|index| (index, self.most(subject, index, &cells)));
        let parts = parts.filter(|(_, count)| *count > 0).collect();
        vec![Batch { cells, has_total: true, parts }]
    }

    /// A question for the totals, and one for each dimension about the cells that it may still cut.
    fn apart(&self, subject: Subject<'_>) -> Vec<Batch> {
        let all: Vec<usize> = (self.fresh..self.cells.len()).collect();
        let mut batches = vec![Batch { cells: all.clone(), has_total: true, parts: vec![] }];
        for (index, dimension) in subject.dimensions.iter().enumerate() {
            let is_open = |cell: &usize| !open(dimension, &self.shapes[*cell][index]).is_empty();
            let cells: Vec<usize> = all.iter().copied().filter(is_open).collect();
            if !cells.is_empty() {
                let count = self.most(subject, index, &cells);
                batches.push(Batch { cells, has_total: false, parts: vec![(index, count)] });
            }
        }
        batches
    }

    /// The most parts of a dimension that are open in one of these cells.
    fn most(&self, subject: Subject<'_>, index: usize, cells: &[usize]) -> usize {
        let dimension = &subject.dimensions[index];
        let count = |cell: &usize| open(dimension, &self.shapes[*cell][index]).len();
        cells.iter().map(count).max().unwrap_or(0)
    }

    fn question(&self, subject: Subject<'_>, grid: &Grid, batch: &Batch) -> Ask {
        let (schema, dimensions) = (&subject.source.schema, subject.dimensions);
        let total = batch.has_total.then_some(Predicate::All);
        let parts = batch.parts.iter().flat_map(|(index, count)| {
            (0..*count).map(move |position| self.part(subject, *index, position, &batch.cells))
        });
        let parts: Vec<Predicate> = total.into_iter().chain(parts).collect();
        let groups: Vec<GroupKey> = if batch.cells.len() as u64 == grid.cells() {
            grid.keys(schema, dimensions)
        } else {
            let when = |cell: &usize| condition(schema, dimensions, &self.shapes[*cell]);
            node_key(&batch.cells.iter().map(when).collect::<Vec<_>>())
        };
        subject.target.ask_parts(schema, subject.rows, groups, parts)
    }

    /// Of every class of codes that some of these cells have, the part that is open at a position.
    fn part(&self, subject: Subject<'_>, index: usize, position: usize, cells: &[usize]) -> Predicate {
        let dimension = &subject.dimensions[index];
        let classes: HashSet<&CodeSet> = cells.iter().map(|cell| &self.shapes[*cell][index]).collect();
        let counted = dimension.counted_codes();
        let of_class = |class: &CodeSet| {
            open(dimension, class).get(position).map(|part| counted[*part].intersection(class))
        };
        let all = classes.into_iter().filter_map(of_class);
        let codes = all.fold(CodeSet::from_codes([]), |all, codes| all.union(&codes));
        Predicate::column_in(&subject.source.schema, dimension.column, codes)
    }
}

impl Subject<'_> {
    /// Of a cell that nothing is known of.
    fn nothing(&self) -> Histogram {
        let parts = self.dimensions.iter().map(|dimension| vec![None; dimension.counted_codes().len()]);
        let width = self.target.width();
        Histogram { total: vec![0.0; width], parts: parts.collect(), noise: vec![0.0; width] }
    }
}

/// The parts of a dimension that hold some of a class of codes, but not all of it.
fn open(dimension: &Dimension, class: &CodeSet) -> Vec<usize> {
    let is_open = |codes: &CodeSet| {
        let both = codes.intersection(class);
        !both.is_empty() && both != *class
    };
    let counted = dimension.counted_codes().into_iter().enumerate();
    counted.filter(|(_, codes)| is_open(codes)).map(|(part, _)| part).collect()
}

/// The parts of a dimension that hold all of a class of codes.
fn whole(dimension: &Dimension, class: &CodeSet) -> Vec<usize> {
    let counted = dimension.counted_codes().into_iter().enumerate();
    counted.filter(|(_, codes)| codes.intersection(class) == *class).map(|(part, _)| part).collect()
}

fn condition(schema: &Schema, dimensions: &[Dimension], shape: &[CodeSet]) -> Predicate {
    Region(shape.iter().map(|codes| Some(codes.clone())).collect()).predicate(schema, dimensions)
}
