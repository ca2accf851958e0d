//! One decision tree: each level is a round, and its nodes are asked together.

use sordino_protocol::{
    predicate::Predicate,
    schema::{ColumnId, Schema},
};

use super::{
    gain::Gain,
    pieces::{self, Dimension},
    region::Region,
    split::{Found, Histogram, Rules, best},
    target::Target,
    write::{self, Grown},
};
use crate::{
    model::{Combine, Estimator, Format, Link, Model, Precision, TreeFamily},
    train::{
        Procedure, Turn,
        ask::{Ask, Table},
        columns,
        error::TrainError,
        task::{Criterion, Source, Task, TreeOptions},
        trained::Fitted,
    },
};

/// The deepest tree: its last level may have `2^11` nodes.
pub(super) const MAX_DEPTH: u32 = 12;

/// A decision tree.
pub(in crate::train) struct SingleTree {
    rows: Predicate,
    inputs: Vec<ColumnId>,
    target: Target,
    dimensions: Vec<Dimension>,
    options: TreeOptions,
    grown: Grown,
    /// Leaves that may be split.
    open: Vec<usize>,
    level: u32,
    undecided: u32,
}

impl SingleTree {
    pub(in crate::train) fn new(
        source: &Source,
        task: &Task,
        options: &TreeOptions,
    ) -> Result<Self, TrainError> {
        check_depth(options.max_depth)?;
        let schema = &source.schema;
        let target = if options.criterion == Criterion::SquaredError {
            Target::Measure(columns::measured_label(source, task)?)
        } else {
            Target::classes(schema, columns::classes(source, task)?)
        };
        let inputs = columns::inputs(source, task)?;
        let dimensions = pieces::dimensions(schema, &inputs, options.thresholds)?;
        let rows = columns::complete(source, [target.column()]);
        let grown = Grown::leaf(Region::all(&dimensions), Vec::new());
        let options = options.clone();
        Ok(Self { rows, inputs, target, dimensions, options, grown, open: vec![0], level: 0, undecided: 0 })
    }

    fn asks(&self, source: &Source, regions: &[&Region]) -> Vec<Ask> {
        let nodes: Vec<Predicate> =
            regions.iter().map(|region| region.predicate(&source.schema, &self.dimensions)).collect();
        self.target.asks(source, &self.rows, &nodes, &self.dimensions)
    }

    fn open_asks(&self, source: &Source) -> Vec<Ask> {
        let regions: Vec<&Region> = self.open.iter().map(|node| &self.grown.nodes[*node].region).collect();
        self.asks(source, &regions)
    }

    /// Splits the nodes of a level.
    fn grow(&mut self, schema: &Schema, answers: &[Table]) -> Result<(), TrainError> {
        let nodes = std::mem::take(&mut self.open);
        let of_table = |table: &Table| {
            let nodes = 0..table.groups() / self.target.codes();
            nodes.map(|node| self.target.histogram(table, node, &self.dimensions)).collect::<Vec<_>>()
        };
        let histograms: Vec<Histogram> = answers.iter().flat_map(of_table).collect();
        self.level += 1;
        for (node, histogram) in nodes.into_iter().zip(histograms) {
            if node == 0 {
                self.grown.nodes[0].values = self.values(schema, &histogram.total, None)?;
            }
            let gain = Gain::from(self.options.criterion);
            if gain.rows(&histogram.total) < f64::from(self.options.min_samples_split) {
                continue;
            }
            let leaf = f64::from(self.options.min_samples_leaf.max(1));
            let region = &self.grown.nodes[node].region;
            match best(&self.dimensions, region, &histogram, Rules { gain, leaf }, &|_, _| true) {
                Found::Nothing => {}
                Found::WithinNoise => self.undecided += 1,
                Found::Split(split) => {
                    let own = self.grown.nodes[node].values.clone();
                    let left = self.values(schema, &split.left, Some(&own))?;
                    let right = self.values(schema, &split.right, Some(&own))?;
                    let at = (split.dimension, split.codes);
                    let first = self.grown.split(&self.dimensions, node, at, [left, right]);
                    self.open.extend([first, first + 1]);
                }
            }
        }
        if self.level == self.options.max_depth {
            self.open.clear();
        }
        Ok(())
    }

    /// What a leaf predicts: shares of classes, or the mean; that of its parent where nothing is known.
    fn values(&self, schema: &Schema, sums: &[f64], parent: Option<&[f64]>) -> Result<Vec<f64>, TrainError> {
        let rows = Gain::from(self.options.criterion).rows(sums);
        match (parent, &self.target) {
            (Some(parent), _) if rows <= 0.0 => Ok(parent.to_vec()),
            (None, _) if rows <= 0.0 => {
                Err(TrainError::NothingReleased("too few rows: widen the predicate".to_owned()))
            }
            (_, Target::Classes { .. }) => Ok(sums.iter().map(|count| count.max(0.0) / rows).collect()),
            (_, Target::Measure(column)) => Ok(vec![sums[1] / rows * columns::unit(schema, *column)]),
        }
    }

    fn fitted(&self, schema: &Schema) -> Result<Fitted, TrainError> {
        let (classes, link) = match &self.target {
            Target::Classes { names, .. } => (names.clone(), Link::Probabilities),
            Target::Measure(_) => (vec![], Link::Identity),
        };
        let model = Model {
            format: Format::V1,
            inputs: columns::model_inputs(schema, &self.inputs),
            features: write::features(schema, &self.dimensions)?,
            estimator: Estimator::Trees {
                family: TreeFamily::Single,
                precision: Precision::Double,
                combine: Combine::Sum,
                base: vec![0.0; classes.len().max(1)],
                trees: vec![self.grown.tree(schema, &self.dimensions)?],
                link,
            },
            classes,
        };
        let notes = columns::incomplete_note(schema, [self.target.column()]).into_iter().collect();
        let mut fitted = Fitted::new(model, notes);
        fitted.undecided_nodes = self.undecided;
        Ok(fitted)
    }
}

/// Refuses depths beyond the limits.
pub(super) fn check_depth(depth: u32) -> Result<(), TrainError> {
    if (1..=MAX_DEPTH).contains(&depth) {
        return Ok(());
    }
    Err(TrainError::option("max_depth", format!("1 to {MAX_DEPTH}")))
}

impl Procedure for SingleTree {
    fn plan(&self, source: &Source) -> Result<Vec<Vec<Ask>>, TrainError> {
        let level = |level: u32| {
            let regions = Region::costly(&self.dimensions, level);
            self.asks(source, &regions.iter().collect::<Vec<_>>())
        };
        Ok((0..self.options.max_depth).map(level).collect())
    }

    fn turn(&mut self, source: &Source, answers: Vec<Table>) -> Result<Turn, TrainError> {
        if !answers.is_empty() {
            self.grow(&source.schema, &answers)?;
        }
        if self.open.is_empty() {
            return Ok(Turn::Done(Box::new(self.fitted(&source.schema)?)));
        }
        Ok(Turn::Ask(self.open_asks(source)))
    }
}
