//! The trees so far, and the gradients that they leave in every cell.

use sordino_protocol::schema::Schema;

use super::{
    gain::{Sums, plus},
    pieces::Dimension,
    region::Region,
    split::Histogram,
    write::Grown,
};
use crate::{
    model::{Tree, sigmoid},
    train::{error::TrainError, task::Loss},
};

/// A base score and trees that are added to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ensemble {
    loss: Loss,
    rate: f64,
    base: f64,
    trees: Vec<Grown>,
}

/// Codes of a row of a cell, and sums of the label over its parts.
pub(super) type Cell = (Vec<u32>, Histogram);

impl Ensemble {
    /// Without trees.
    pub(super) const fn new(loss: Loss, rate: f64) -> Self {
        Self { loss, rate, base: 0.0, trees: Vec::new() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.trees.len()
    }

    pub(super) const fn base(&self) -> f64 {
        self.base
    }

    /// Adds a tree.
    pub(super) fn push(&mut self, tree: Grown) {
        self.trees.push(tree);
    }

    /// The score that is best for all rows alike.
    ///
    /// # Errors
    /// When they are too few, or of one class.
    pub(super) fn start(&mut self, cells: &[Cell]) -> Result<(), TrainError> {
        let total = sum(cells.iter().map(|(_, histogram)| histogram.total.clone()));
        self.base = match (self.loss, total.as_slice()) {
            (Loss::SquaredError, [rows, sum]) if *rows > 0.0 => sum / rows,
            (Loss::LogLoss, [first, second]) if *first > 0.0 && *second > 0.0 => (second / first).ln(),
            _ => {
                let reason = "too few rows, or all of one class: widen the predicate";
                return Err(TrainError::NothingReleased(reason.to_owned()));
            }
        };
        Ok(())
    }

    /// Sums of gradients over the cells of a node: `[rows, gradient, curvature]`, and their noise.
    pub(super) fn histogram(&self, region: &Region, cells: &[Cell]) -> Histogram {
        let inside: Vec<(f64, &Histogram)> = cells
            .iter()
            .filter(|(codes, _)| region.holds(codes))
            .map(|(codes, histogram)| (self.score(codes), histogram))
            .collect();
        let total = sum(inside.iter().map(|(score, cell)| self.gradients(*score, &cell.total)));
        let part = |dimension: usize, part: usize| {
            // A part is known as far as some of it is released.
            let known = inside.iter().filter_map(|(score, cell)| {
                Some(self.gradients(*score, cell.parts[dimension][part].as_ref()?))
            });
            let known: Vec<Sums> = known.collect();
            (!known.is_empty()).then(|| sum(known.into_iter()))
        };
        let shape: Vec<usize> =
            inside.first().map_or(vec![], |(_, cell)| cell.parts.iter().map(Vec::len).collect());
        let parts = shape.iter().enumerate().map(|(d, parts)| (0..*parts).map(|p| part(d, p)).collect());
        let mut noise = vec![0.0; 3];
        for (score, cell) in &inside {
            let of_cell = self.noise(*score, &cell.noise);
            noise.iter_mut().zip(of_cell).for_each(|(all, one)| *all = f64::hypot(*all, one));
        }
        Histogram { total, parts: parts.collect(), noise }
    }

    /// From sums of the label over rows of one score.
    fn gradients(&self, score: f64, sums: &[f64]) -> Sums {
        match self.loss {
            Loss::SquaredError => {
                let rows = sums[0].max(0.0);
                vec![rows, sums[1] - rows * score, rows]
            }
            Loss::LogLoss => {
                let (first, second) = (sums[0].max(0.0), sums[1].max(0.0));
                let (rows, mean) = (first + second, sigmoid(score));
                vec![rows, second - rows * mean, rows * mean * (1.0 - mean)]
            }
        }
    }

    fn noise(&self, score: f64, noise: &[f64]) -> Sums {
        match self.loss {
            Loss::SquaredError => vec![noise[0], noise[1].hypot(noise[0] * score), 0.0],
            Loss::LogLoss => {
                let mean = sigmoid(score);
                vec![noise[0].hypot(noise[1]), (noise[0] * mean).hypot(noise[1] * (1.0 - mean)), 0.0]
            }
        }
    }

    /// What a leaf adds, from `[rows, gradient, curvature]`: a Newton step, shortened.
    pub(super) fn value(&self, sums: &[f64]) -> f64 {
        if sums[2] > 1e-12 { self.rate * sums[1] / sums[2] } else { 0.0 }
    }

    fn score(&self, codes: &[u32]) -> f64 {
        self.base + self.trees.iter().map(|tree| tree.values(codes)[0]).sum::<f64>()
    }

    /// As trees of a model, in units of the label.
    ///
    /// # Errors
    /// When a dimension has no feature.
    pub(super) fn trees(
        &self,
        schema: &Schema,
        dimensions: &[Dimension],
        unit: f64,
    ) -> Result<Vec<Tree>, TrainError> {
        let mut trees: Vec<Grown> = self.trees.clone();
        if trees.is_empty() {
            // A model of trees has at least one.
            trees.push(Grown::leaf(Region::all(dimensions), vec![0.0]));
        }
        for node in trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            node.values.iter_mut().for_each(|value| *value *= unit);
        }
        trees.iter().map(|tree| tree.tree(schema, dimensions)).collect()
    }
}

fn sum(parts: impl Iterator<Item = Sums>) -> Sums {
    parts.reduce(|all, one| plus(&all, &one)).unwrap_or_else(|| vec![0.0; 3])
}
