//! From an integer model to a program that predicts on encrypted inputs.
//!
//! All of it is decided by the model, the public schema and what the vendor chooses to reveal. The
//! program is exact: it computes the integers of [`crate::quantised::evaluate`] modulo the plaintext
//! modulus, and a model whose scores could wrap is refused.

mod line;
mod linear;
mod network;
mod problem;
mod single;
mod splits;
mod trees;
mod value;

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    bounds::{BoundError, prediction_flooding},
    parameters::{ParameterSet, ScanParameters},
    predict::{Evaluation, InputEncoding, InputForm, MAX_INPUTS, Packing, PredictionProgram},
    schema::Schema,
};

pub use self::problem::PredictError;
use crate::quantised::{Quantised, Shape};

/// How many rows a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Serving {
    /// As many as a ciphertext has slots; the time is the same for fewer.
    Batch,
    /// As few ciphertexts as possible: one row for trees, for linear models as many as there are
    /// coefficients for, for networks 64 or more. For trees this reveals which test each node makes, whatever the
    /// encoding.
    Single,
}

/// The sets that are tried, the smallest first.
const SETS: [ParameterSet; 4] =
    [ParameterSet::Predict4kV2, ParameterSet::Predict8kV1, ParameterSet::Scan8kV1, ParameterSet::Scan16kV1];

/// The set of networks.
const NETWORK_SETS: [ParameterSet; 1] = [ParameterSet::Network16kV1];

/// A set with its numbers.
#[derive(Clone, Copy)]
struct Target {
    set: ParameterSet,
    numbers: &'static ScanParameters,
}

/// The program of a model over its public input schema, in the smallest parameter set that bears it.
///
/// # Errors
/// When the kind of model is not supported, or no set has room for its scores, inputs or depth.
pub fn program(
    model: &Quantised,
    schema: &Schema,
    encoding: InputEncoding,
    serving: Serving,
) -> Result<PredictionProgram, PredictError> {
    let (low, high) = model.bounds.iter().fold((0, 0), |(l, h), (low, high)| (l.min(*low), h.max(*high)));
    let largest = low.unsigned_abs().max(high.unsigned_abs());
    let (sets, products) = match &model.shape {
        Shape::Scores(_) => (&SETS[..], false),
        Shape::Trees { trees, .. } => (&SETS[..], serving == Serving::Single || trees::multiply(trees)?),
        Shape::Network { layers, .. } if layers.is_empty() => (&SETS[..], false),
        Shape::Network { first, layers } => {
            network::check(first, layers)?;
            (&NETWORK_SETS[..], true)
        }
    };
    let targets: Vec<Target> = sets
        .iter()
        .copied()
        .filter_map(|set| Some(Target { set, numbers: set.bfv()? }))
        .filter(|target| target.set.multiplies() || !products)
        .collect();
    let limit = targets.iter().map(|target| target.numbers.max_sum()).max().unwrap_or(0);
    let mut refused = PredictError::Scores { low, high, limit };
    for target in targets.into_iter().filter(|target| largest <= target.numbers.max_sum()) {
        let program = compile(model, schema, encoding, serving, target)?;
        match prediction_flooding(&program) {
            Ok(_) => return Ok(program),
            Err(error @ BoundError::Malformed { .. }) => return Err(PredictError::Bound(error)),
            Err(error) => refused = PredictError::Bound(error),
        }
    }
    Err(refused)
}

fn compile(
    model: &Quantised,
    schema: &Schema,
    encoding: InputEncoding,
    serving: Serving,
    target: Target,
) -> Result<PredictionProgram, PredictError> {
    let (packing, evaluation) = match (&model.shape, serving) {
        (Shape::Scores(scores), _) => linear::compile(scores, schema, encoding, serving, target)?,
        (Shape::Trees { base, trees }, Serving::Batch) => {
            trees::compile(base, trees, schema, encoding, target)?
        }
        (Shape::Trees { base, trees }, Serving::Single) => single::compile(base, trees, schema, target)?,
        (Shape::Network { first, layers }, _) if layers.is_empty() => {
            linear::compile(first, schema, encoding, serving, target)?
        }
        (Shape::Network { first, layers }, _) => {
            network::compile(first, layers, schema, encoding, serving, target)?
        }
    };
    let inputs = match &packing {
        Packing::Batch { inputs } => (inputs.len(), MAX_INPUTS),
        Packing::Rows { inputs } => (inputs.len(), target.numbers.degree),
        Packing::Trees { trees } => (trees.len(), target.numbers.degree),
        Packing::Network { inputs, groups, .. } => (inputs.len(), MAX_INPUTS * *groups as usize),
    };
    if inputs.0 > inputs.1 {
        return Err(PredictError::Inputs { found: inputs.0, limit: inputs.1 });
    }
    let scores = u32::try_from(model.bounds.len()).unwrap_or(u32::MAX);
    let form = InputForm { parameter_set: target.set, packing, scores };
    let program = PredictionProgram { form, evaluation };
    if !program.is_consistent() {
        return Err(PredictError::Model("it has a range in `bounds` for each score"));
    }
    Ok(program)
}

/// What a compiler of one kind of model makes.
type Compiled = (Packing, Evaluation);
