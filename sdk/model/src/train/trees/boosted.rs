//! Gradient boosted trees. The score of an ensemble is the same for all rows of a joint cell of its
//! splits, so gradients follow from counts, or sums of a measure, by cell; a round is asked only when a
//! split has made new cells, and about these only. When there are too many, trees go on with the thresholds
//! they have.

use sordino_protocol::{
    predicate::Predicate,
    query::MAX_GROUPS,
    schema::{ColumnId, Schema},
};

use super::{
    ensemble::{Cell, Ensemble},
    gain::Gain,
    grid::Grid,
    known::{Known, Subject},
    pieces::{self, Dimension},
    region::Region,
    single::check_depth,
    split::{Found, Rules, best},
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
        task::{BoostedOptions, Loss, Source, Task},
        trained::Fitted,
    },
};

/// The most cells of an ensemble: each is a group, for each class of the label.
const MAX_CELLS: u32 = 4_096;
/// The most trees.
const MAX_TREES: u32 = 1_000;

/// Gradient boosted trees.
pub(in crate::train) struct Boosted {
    rows: Predicate,
    inputs: Vec<ColumnId>,
    target: Target,
    dimensions: Vec<Dimension>,
    options: BoostedOptions,
    /// The cells of the last answer, and of what is asked next.
    grid: Grid,
    known: Known,
    ensemble: Ensemble,
    /// The tree that grows, its leaves that may be split, and their depth.
    growing: Option<(Grown, Vec<usize>, u32)>,
    undecided: u32,
    /// Nodes whose best split would have made too many cells.
    confined: bool,
}

impl Boosted {
    pub(in crate::train) fn new(
        source: &Source,
        task: &Task,
        options: &BoostedOptions,
    ) -> Result<Self, TrainError> {
        check_depth(options.max_depth)?;
        check(options)?;
        let schema = &source.schema;
        let target = match options.loss {
            Loss::SquaredError => Target::Measure(columns::measured_label(source, task)?),
            Loss::LogLoss => {
                let (label, classes) = columns::classes(source, task)?;
                if classes.len() != 2 {
                    let reason = "it has other than two values: use a tree, or one ensemble for each value";
                    return Err(TrainError::column(&schema.column(label).name, reason));
                }
                Target::classes(schema, (label, classes))
            }
        };
        if u64::from(options.max_cells) * target.codes() as u64 > MAX_GROUPS {
            let most = MAX_GROUPS / target.codes() as u64;
            return Err(TrainError::option("max_cells", format!("at most {most} with this label")));
        }
        let inputs = columns::inputs(source, task)?;
        let dimensions = pieces::dimensions(schema, &inputs, options.thresholds)?;
        let rows = columns::complete(source, [target.column()]);
        let (grid, options) = (Grid::new(&dimensions), options.clone());
        let ensemble = Ensemble::new(options.loss, options.learning_rate);
        let undecided = 0;
        Ok(Self {
            rows,
            inputs,
            target,
            dimensions,
            options,
            grid,
            known: Known::default(),
            ensemble,
            growing: None,
            undecided,
            confined: false,
        })
    }

    /// All parts of all cells.
    fn everything(&self, schema: &Schema, grid: &Grid) -> Ask {
        self.target.ask(schema, &self.rows, grid.keys(schema, &self.dimensions), &self.dimensions)
    }

    /// Grows trees from what is known as long as they make no new cells.
    fn grow(&mut self) -> Result<bool, TrainError> {
        let (asked, cells) = (self.grid.clone(), self.known.cells().to_vec());
        if self.ensemble.is_empty() && self.growing.is_none() {
            self.ensemble.start(&cells)?;
        }
        while self.ensemble.len() < self.options.trees as usize {
            let (mut tree, open, depth) = self
                .growing
                .take()
                .unwrap_or_else(|| (Grown::leaf(Region::all(&self.dimensions), vec![0.0]), vec![0], 0));
            let mut next = Vec::new();
            for node in open {
                next.extend(self.split(&mut tree, node, &cells));
            }
            if depth + 1 == self.options.max_depth || next.is_empty() {
                if tree.nodes.len() == 1 {
                    // No split is left that gains anything: further trees would be the same.
                    return Ok(true);
                }
                self.ensemble.push(tree);
            } else {
                self.growing = Some((tree, next, depth + 1));
            }
            if self.grid != asked {
                return Ok(self.ensemble.len() == self.options.trees as usize);
            }
        }
        Ok(true)
    }

    /// Splits a node if that gains anything; gives its children.
    fn split(&mut self, tree: &mut Grown, node: usize, cells: &[Cell]) -> Vec<usize> {
        let histogram = self.ensemble.histogram(&tree.nodes[node].region, cells);
        let rules = Rules { gain: Gain::Variance, leaf: f64::from(self.options.min_samples_leaf.max(1)) };
        let more = usize::from(self.target.codes() > 1);
        let most = u64::from(self.options.max_cells);
        let allowed = |dimension: usize, codes: &_| {
            self.grid.refined(&self.dimensions, dimension, codes).fits(more, most)
        };
        let region = &tree.nodes[node].region;
        let found = best(&self.dimensions, region, &histogram, rules, &allowed);
        if !self.confined && best(&self.dimensions, region, &histogram, rules, &|_, _| true) != found {
            self.confined = true;
        }
        match found {
            Found::Nothing => vec![],
            Found::WithinNoise => {
                self.undecided += 1;
                vec![]
            }
            Found::Split(split) => {
                self.grid = self.grid.refined(&self.dimensions, split.dimension, &split.codes);
                let values = [&split.left, &split.right].map(|sums| vec![self.ensemble.value(sums)]);
                let first = tree.split(&self.dimensions, node, (split.dimension, split.codes), values);
                vec![first, first + 1]
            }
        }
    }

    fn fitted(&self, schema: &Schema) -> Result<Fitted, TrainError> {
        let unit = match &self.target {
            Target::Measure(column) => columns::unit(schema, *column),
            Target::Classes { .. } => 1.0,
        };
        let trees = self.ensemble.trees(schema, &self.dimensions, unit)?;
        let (classes, link) = match &self.target {
            Target::Classes { names, .. } => (names.clone(), Link::Sigmoid),
            Target::Measure(_) => (vec![], Link::Identity),
        };
        let mut notes: Vec<String> =
            columns::incomplete_note(schema, [self.target.column()]).into_iter().collect();
        notes.push(format!("{} trees over {} joint cells", trees.len(), self.grid.cells()));
        if self.confined {
            notes.push(format!(
                "better splits would have made more than {} cells or keys: raise `max_cells`, or use fewer \
                 inputs, thresholds or trees",
                self.options.max_cells
            ));
        }
        let model = Model {
            format: Format::V1,
            inputs: columns::model_inputs(schema, &self.inputs),
            features: write::features(schema, &self.dimensions)?,
            classes,
            estimator: Estimator::Trees {
                family: TreeFamily::Boosted,
                precision: Precision::Double,
                combine: Combine::Sum,
                base: vec![self.ensemble.base() * unit],
                trees,
                link,
            },
        };
        let mut fitted = Fitted::new(model, notes);
        fitted.undecided_nodes = self.undecided;
        Ok(fitted)
    }
}

fn check(options: &BoostedOptions) -> Result<(), TrainError> {
    if !(options.learning_rate > 0.0 && options.learning_rate <= 1.0) {
        return Err(TrainError::option("learning_rate", "above 0, at most 1"));
    }
    if !(1..=MAX_TREES).contains(&options.trees) {
        return Err(TrainError::option("trees", format!("1 to {MAX_TREES}")));
    }
    if !(2..=MAX_CELLS).contains(&options.max_cells) {
        return Err(TrainError::option("max_cells", format!("2 to {MAX_CELLS}")));
    }
    Ok(())
}

impl Procedure for Boosted {
    /// Each round but the first has more cells than the one before: at most as many rounds as cuts. A
    /// level of a tree makes at most one cut for each of its nodes. All cells of a round may be new.
    fn plan(&self, source: &Source) -> Result<Vec<Vec<Ask>>, TrainError> {
        let more = usize::from(self.target.codes() > 1);
        let most = u64::from(self.options.max_cells);
        let cuts: usize = self.dimensions.iter().map(|dimension| dimension.most_classes() - 1).sum();
        let levels = (self.options.trees * self.options.max_depth) as usize - 1;
        let each = 1 << (self.options.max_depth - 1);
        let grid = |round: usize| Grid::largest(&self.dimensions, more, most, round * each);
        let grids: Vec<Grid> = (0..=cuts.min(levels)).map(grid).collect();
        Ok(grids.iter().map(|grid| vec![self.everything(&source.schema, grid)]).collect())
    }

    fn turn(&mut self, source: &Source, answers: Vec<Table>) -> Result<Turn, TrainError> {
        if !answers.is_empty() {
            self.known.answer(&self.target, &self.dimensions, &answers);
            if self.grow()? {
                return Ok(Turn::Done(Box::new(self.fitted(&source.schema)?)));
            }
        }
        let (rows, target, dimensions) = (&self.rows, &self.target, self.dimensions.as_slice());
        let subject = Subject { source, rows, target, dimensions };
        Ok(Turn::Ask(self.known.ask(subject, &self.grid)?))
    }
}
