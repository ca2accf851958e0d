//! Training on an encrypted table: this machine asks statistics round by round, pays for them like any
//! buyer, and fits the model from what is released. Platform and owner see the statistics that are asked
//! for, the owner's gate releases them under its policy, and nobody sees a row.
//!
//! [`offer`] compiles the run and bounds what all of it costs, [`run`] pays and fits. A run lives
//! in a [`Folder`]: whatever was bought is kept there, so that a run which was cut off goes on without
//! paying twice, and its receipts are at hand afterwards.

mod folder;
mod offer;
mod report;
mod rounds;
mod sandbox;
mod settings;

pub use sordino_model::train::Task;
use sordino_model::{
    model::ModelError,
    train::{Rounds, Source, TrainError, Trainer},
};
use sordino_protocol::{
    api::{Listing, Question},
    predicate::Predicate,
    query::Expression,
};

pub use self::{
    folder::Folder,
    offer::{RunQuote, offer, quote},
    report::{described, fitted, quoted, rehearsed},
    rounds::{Event, Finished, rounds_done, run},
    sandbox::{Quality, Rehearsal, rehearse},
    settings::{METHODS, task},
};
use crate::{ClientError, session::Session};

/// Why a model cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// No such method.
    #[error("`{name}` is no method of training: expected one of {known}")]
    Method {
        /// As asked.
        name: String,
        /// What there is.
        known: String,
    },
    /// An option that is none.
    #[error("options of {method}: {reason}")]
    Options {
        /// Of training.
        method: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A setting that is no assignment.
    #[error("`{0}` is not an option: expected NAME=VALUE, each name once")]
    Setting(String),
    /// A condition that is more than one.
    #[error("`{0}` is not a condition on rows: expected what follows WHERE, such as age >= 30")]
    Condition(String),
    /// See [`TrainError`].
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The model cannot be written.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The folder belongs to another run.
    #[error("{folder} holds {other}: name another folder, or repeat the command that began it")]
    OtherRun {
        /// Of the run.
        folder: String,
        /// What it holds.
        other: String,
    },
    /// A query of the run was not answered.
    #[error(
        "round {round}: {job} was {state}: {detail}. It was not charged; what was answered before is kept, \
         and the same command goes on from there"
    )]
    Unanswered {
        /// From 1.
        round: usize,
        /// Which.
        job: String,
        /// How it ended.
        state: &'static str,
        /// Why.
        detail: String,
    },
    /// The next queries cost more than what was agreed to.
    #[error(
        "round {round} would cost {price} where {left} of the run's price is left: nothing of it was bought. \
         What was answered is kept; the same command goes on at the prices of now"
    )]
    Overrun {
        /// From 1.
        round: usize,
        /// Of its queries that are not bought.
        price: String,
        /// Of what was agreed to.
        left: String,
    },
    /// Too few rows to rehearse on.
    #[error("a rehearsal needs at least {least} rows, the sandbox has {rows}")]
    SmallSandbox {
        /// In the file.
        rows: usize,
        /// What is needed.
        least: usize,
    },
}

/// A run that nothing was paid for.
#[derive(Debug, Clone)]
pub struct Run {
    /// The listing.
    pub listing: Listing,
    /// The table that is trained on.
    pub source: Source,
    /// What is fitted.
    pub task: Task,
    /// What will be asked at most.
    pub plan: Rounds,
}

/// The rows that a condition in SQL selects, as the platform reads it; free of charge.
///
/// # Errors
/// Those of the platform, and when it is not one condition.
pub async fn rows(session: &Session, listing: &Listing, condition: &str) -> Result<Predicate, ClientError> {
    let sql = format!("SELECT COUNT(*) AS n FROM \"{}\" WHERE {condition}", listing.schema.table);
    let ask = sordino_protocol::api::AskQuote::new(listing.id, Question::Sql(sql), None);
    let query = session.client.explanation(&ask).await?.query;
    let counts = matches!(query.outputs.as_slice(), [output] if output.expression == Expression::Count(Predicate::All));
    if !counts || !query.groups.is_empty() || query.dataset != listing.dataset {
        return Err(TrainingError::Condition(condition.to_owned()).into());
    }
    query.validate(&listing.schema).map_err(|error| ClientError::Offer(error.to_string()))?;
    Ok(query.predicate)
}

/// Compiles a run over these rows, whose queries have at most `max_sums` numbers computed. Takes a moment
/// for many inputs: call it off the async runtime.
///
/// # Errors
/// Why the columns or options do not allow it, and what would.
pub fn prepare(listing: Listing, task: Task, rows: Predicate, max_sums: u64) -> Result<Run, TrainingError> {
    let source = Source {
        dataset: listing.dataset,
        schema: listing.schema.clone(),
        rows,
        max_released_values: listing.policy.max_released_values,
        max_sums,
    };
    let plan = Trainer::new(source.clone(), &task)?.plan()?;
    Ok(Run { listing, source, task, plan })
}
