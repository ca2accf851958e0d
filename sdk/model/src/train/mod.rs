//! Training on an encrypted table: a trainer asks queries over the public schema, round by round, and
//! folds their released answers into a model. It sees what any buyer sees: statistics of many rows,
//! withheld where rows are few, noised where the policy says so.
//!
//! A trainer is a state machine without I/O: [`Trainer::next`] says what to ask, [`Trainer::answer`]
//! takes what was released. It is deterministic, so a run that was cut off is resumed by giving a new
//! trainer the answers it has had. [`Trainer::plan`] bounds the whole run before anything is paid.

mod ask;
mod categorical;
mod cells;
mod columns;
mod error;
mod gaussian;
mod glm;
mod kmeans;
mod linear;
mod moments;
mod newton;
mod solve;
mod start;
mod task;
mod trained;
mod trees;
mod usable;

use sordino_protocol::{answer::Answer, query::Query};

use self::{
    ask::{Ask, Table},
    trained::{Fitted, Tally},
};
pub use self::{
    error::TrainError,
    task::{BoostedOptions, Criterion, KMeansOptions, Loss, Method, Source, Task, TreeOptions},
    trained::{NoiseEffect, ParameterError, Rounds, Trained},
    usable::usable,
};
use crate::limits::Limits;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Ask these queries, of one round: none depends on the answer to another.
    Ask(Vec<Query>),
    /// Nothing: this is the model.
    Done(Box<Trained>),
}

/// A training run.
pub struct Trainer {
    source: Source,
    procedure: Box<dyn Procedure>,
    state: State,
    tally: Tally,
}

enum State {
    /// The answers that the procedure has not seen; none at the start.
    Ready(Vec<Table>),
    /// The queries of each question of the round.
    Waiting(Vec<Vec<Query>>),
    Done(Box<Trained>),
    /// It ended with an error.
    Failed,
}

/// What a method does: it asks, and it is told.
trait Procedure: Send + Sync {
    /// An upper bound of what will be asked, round by round.
    fn plan(&self, source: &Source) -> Result<Vec<Vec<Ask>>, TrainError>;

    /// The next round, given the answers to the last one in its order; nothing at the start.
    fn turn(&mut self, source: &Source, answers: Vec<Table>) -> Result<Turn, TrainError>;
}

enum Turn {
    Ask(Vec<Ask>),
    Done(Box<Fitted>),
}

impl Trainer {
    /// A run that has not asked anything.
    ///
    /// # Errors
    /// When the columns or options do not allow it, with what would.
    pub fn new(source: Source, task: &Task) -> Result<Self, TrainError> {
        let procedure: Box<dyn Procedure> = match &task.method {
            Method::Linear { ridge } => Box::new(linear::Linear::new(&source, task, *ridge)?),
            Method::GaussianBayes { var_smoothing } => {
                Box::new(gaussian::GaussianBayes::new(&source, task, *var_smoothing)?)
            }
            Method::CategoricalBayes { alpha } => {
                Box::new(categorical::CategoricalBayes::new(&source, task, *alpha)?)
            }
            Method::Tree(options) => Box::new(trees::single::SingleTree::new(&source, task, options)?),
            Method::Boosted(options) => Box::new(trees::boosted::Boosted::new(&source, task, options)?),
            Method::Logistic { c, bins } => {
                Box::new(glm::CellRegression::logistic(&source, task, *c, *bins)?)
            }
            Method::Poisson { alpha, bins } => {
                Box::new(glm::CellRegression::poisson(&source, task, *alpha, *bins)?)
            }
            Method::KMeans(options) => Box::new(kmeans::KMeans::new(&source, task, options)?),
        };
        Ok(Self { source, procedure, state: State::Ready(Vec::new()), tally: Tally::default() })
    }

    /// An upper bound of the run.
    ///
    /// # Errors
    /// When a query would be too large.
    pub fn plan(&self) -> Result<Rounds, TrainError> {
        let rounds = self.procedure.plan(&self.source)?;
        let queries = |round: &Vec<Ask>| {
            let each = round.iter().map(|ask| ask.queries(&self.source)).collect::<Result<Vec<_>, _>>()?;
            Ok(each.concat())
        };
        Ok(Rounds { rounds: rounds.iter().map(queries).collect::<Result<_, TrainError>>()? })
    }

    /// What is to be done next; the same again until answers are given.
    ///
    /// # Errors
    /// When what was released does not allow a model.
    #[expect(clippy::should_implement_trait, reason = "a run is no iterator: it needs answers in between")]
    pub fn next(&mut self) -> Result<Step, TrainError> {
        if let State::Ready(tables) = &mut self.state {
            let tables = std::mem::take(tables);
            self.state = State::Failed;
            self.state = match self.procedure.turn(&self.source, tables)? {
                Turn::Ask(asks) => {
                    let queries = asks.iter().map(|ask| ask.queries(&self.source));
                    State::Waiting(queries.collect::<Result<_, _>>()?)
                }
                Turn::Done(fitted) => {
                    fitted.model.validate(&Limits::default())?;
                    State::Done(Box::new(fitted.trained(&self.tally)))
                }
            };
        }
        Ok(match &self.state {
            State::Waiting(queries) => Step::Ask(queries.concat()),
            State::Done(trained) => Step::Done(trained.clone()),
            State::Ready(_) | State::Failed => return Err(TrainError::Failed),
        })
    }

    /// Takes the answers to the queries of the round, in their order.
    ///
    /// # Errors
    /// When they do not belong to the queries; the run is then where it was.
    pub fn answer(&mut self, answers: &[Answer]) -> Result<(), TrainError> {
        let State::Waiting(asked) = &self.state else { return Err(TrainError::NothingAsked) };
        let expected: usize = asked.iter().map(Vec::len).sum();
        if answers.len() != expected {
            let reason = format!("{} answers were given, the round has {expected} queries", answers.len());
            return Err(TrainError::Answer { position: answers.len().min(expected), reason });
        }
        let (mut tables, mut first) = (Vec::with_capacity(asked.len()), 0);
        for queries in asked {
            let these = &answers[first..first + queries.len()];
            tables.push(ask::read(&self.source, queries, these, first)?);
            first += queries.len();
        }
        self.tally.rounds += 1;
        self.tally.queries += u32::try_from(expected).unwrap_or(u32::MAX);
        for table in &tables {
            self.tally.withheld += table.withheld();
            self.tally.released += table.released();
            self.tally.deviation = self.tally.deviation.max(table.deviation());
        }
        self.state = State::Ready(tables);
        Ok(())
    }
}
