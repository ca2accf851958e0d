//! What a run costs at most, and what comes out of it.

use serde::{Deserialize, Serialize};
use sordino_protocol::{query::Query, schema::Schema};

use crate::model::Model;

/// An upper bound of a run: for every round, queries that cost at least as much as those it will ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rounds {
    /// The queries of each round.
    pub rounds: Vec<Vec<Query>>,
}

impl Rounds {
    /// Queries of all rounds.
    pub fn queries(&self) -> u64 {
        self.rounds.iter().map(|round| round.len() as u64).sum()
    }

    /// Values that all answers together may disclose.
    pub fn released_values(&self, schema: &Schema) -> u64 {
        self.rounds.iter().flatten().map(|query| query.released_values(schema)).sum()
    }
}

/// A fitted model and what it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// Rounds that were asked.
    pub rounds: u32,
    /// Queries that were answered.
    pub queries: u32,
    /// Released values that were withheld because too few rows stand behind them.
    pub withheld: u64,
    /// What a reader must know of the model, in sentences.
    pub notes: Vec<String>,
    /// What noise does to it; none where answers were exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseEffect>,
}

/// What noise does to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseEffect {
    /// The largest standard deviation of the noise of a released value, in its units.
    pub largest_deviation: f64,
    /// Standard errors of parameters, as far as noise causes them: the rows' own are not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterError>,
    /// Nodes of trees whose best split was within noise, and that were not split for it.
    pub undecided_nodes: u32,
}

/// The standard error of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterError {
    /// What it belongs to.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The standard deviation that noise gives it.
    pub error: f64,
}

/// What a method says when it is done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted {
    pub(super) model: Model,
    pub(super) notes: Vec<String>,
    pub(super) parameters: Vec<ParameterError>,
    pub(super) undecided_nodes: u32,
}

impl Fitted {
    pub(super) const fn new(model: Model, notes: Vec<String>) -> Self {
        Self { model, notes, parameters: Vec::new(), undecided_nodes: 0 }
    }

    /// With what a reader must know of every model: what was withheld, and what noise does.
    pub(super) fn trained(mut self, tally: &Tally) -> Trained {
        if tally.withheld > 0 {
            self.notes.push(format!(
                "{} of {} released values are withheld, because no or too few rows stand behind them; \
                 they count as 0",
                tally.withheld, tally.released
            ));
        }
        let noise = (tally.deviation > 0.0).then_some(NoiseEffect {
            largest_deviation: tally.deviation,
            parameters: self.parameters,
            undecided_nodes: self.undecided_nodes,
        });
        if let Some(noise) = &noise {
            self.notes.push(noise.sentence());
        }
        Trained {
            model: self.model,
            rounds: tally.rounds,
            queries: tally.queries,
            withheld: tally.withheld,
            notes: self.notes,
            noise,
        }
    }
}

impl NoiseEffect {
    fn sentence(&self) -> String {
        let mut text =
            format!("the answers carry noise of a standard deviation up to {:.3}", self.largest_deviation);
        let share = |parameter: &&ParameterError| parameter.error / parameter.value.abs().max(1e-300);
        let worst = self.parameters.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
        if let Some(worst) = worst {
            text.push_str(&format!(
                "; the least certain parameter is that of {}: {:.4} with a standard error of {:.4} from noise",
                worst.name, worst.value, worst.error
            ));
        }
        if self.undecided_nodes > 0 {
            text.push_str(&format!(
                "; {} nodes were not split because their best split is within noise",
                self.undecided_nodes
            ));
        }
        text
    }
}

/// What was asked so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Tally {
    pub(super) rounds: u32,
    pub(super) queries: u32,
    pub(super) released: u64,
    pub(super) withheld: u64,
    pub(super) deviation: f64,
}
