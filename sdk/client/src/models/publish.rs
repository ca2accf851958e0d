//! Offering a model: a file of a fitted model becomes integers over a public schema. Nothing but these
//! leaves the machine, and only the platform sees them.

use std::path::{Path, PathBuf};

use sordino_model::{
    import,
    limits::Limits,
    model::{Estimator, Kind, Model},
    predict, preflight,
    quantise::{self, Mapped, Options, Outcome, QuantiseError, Report, Resolution},
    quantised::{Quantised, Reading},
};
use sordino_protocol::{
    api::models::{ModelListing, PredictionQuota, PublishModel, Serving},
    money::Amount,
    predict::InputEncoding,
    schema::{ColumnId, Schema},
};

use super::ModelsError;
use crate::{ClientError, session::Session};

/// Bits of a score that are tried, the fewest first; there is room for the last in some parameter set.
const SCORE_BITS: [u32; 4] = [16, 22, 30, 36];
/// The same of networks, the most first: their parameter set has few, but a little more than 15 where scores
/// are on both sides of 0.
const NETWORK_SCORE_BITS: [u32; 5] = [16, 15, 14, 12, 10];
/// How many times the rounding of a score has to fit in its range.
const LEAST_STEPS: f64 = 64.0;

/// What is to be offered.
#[derive(Debug, Clone)]
pub struct Request {
    /// The fitted model.
    pub file: PathBuf,
    /// The columns of a row, public.
    pub schema: Schema,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// What clients encrypt.
    pub encoding: InputEncoding,
    /// Which ways of packing rows are offered.
    pub serving: Serving,
    /// Price of one sample.
    pub price: Amount,
    /// How much one client may ask.
    pub quota: PredictionQuota,
    /// Bits of a score; fewer round what clients learn. If not given, as many as the model needs.
    pub score_bits: Option<u32>,
    /// What clients get.
    pub output: Output,
}

/// What clients get of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// Scores, and so probabilities.
    #[default]
    Scores,
    /// The class alone; of several classes their order. It takes many more predictions to copy a model.
    Classes,
}

/// A model that can be offered.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What it is called.
    pub kind: Kind,
    /// In integers.
    pub model: Quantised,
    /// How far these may be from the model in the file.
    pub report: Report,
    /// What would make it better.
    pub advice: Vec<String>,
}

/// Reads a model and turns it into integers. Takes a moment: call it off the async runtime.
///
/// # Errors
/// When the file is no model, or the model cannot read the schema, with what to change.
pub fn prepare(request: &Request) -> Result<Prepared, ClientError> {
    let bytes = read(&request.file)?;
    request.schema.validate()?;
    let names: Vec<String> = request.schema.columns.iter().map(|column| column.name.clone()).collect();
    let limits = Limits::default();
    // The names of the columns are only for files that keep none.
    let model = import::any(&bytes, None, &limits)
        .or_else(|error| import::any(&bytes, Some(&names), &limits).map_err(|_| error))
        .map_err(ModelsError::from)?;
    let (options, outcome) = integers(&model, request).map_err(ModelsError::from)?;
    let found = preflight::preflight(&model, &request.schema, &[], &options);
    let mut advice = found.advice;
    advice.extend(unread(&request.schema, request.encoding, &found.inputs));
    Ok(Prepared { kind: model.kind(), model: outcome.model, report: outcome.report, advice })
}

/// What columns cost that the model does not read, where clients encrypt them all the same.
fn unread(schema: &Schema, encoding: InputEncoding, read: &[Mapped]) -> Option<String> {
    let is_read = |id: &ColumnId| read.iter().any(|input| input.column == *id);
    let unread: Vec<&str> = schema
        .ids()
        .filter(|id| !is_read(id))
        .map(|id| schema.column(id).name.as_str())
        .filter(|_| encoding == InputEncoding::Edges)
        .collect();
    let [first, ..] = unread.as_slice() else { return None };
    Some(format!(
        "the model does not read {} of the schema's columns, such as `{first}`: clients encrypt them too, so that nobody \
         learns which; leave them out of the schema for smaller requests",
        unread.len()
    ))
}

/// The integers of a model, as fine as was asked or else as coarse as rounding allows: fewer bits tell
/// clients less and take fewer bytes, but measures of many digits have small weights, which too few bits
/// would round to nothing.
fn integers(model: &Model, request: &Request) -> Result<(Options, Outcome), QuantiseError> {
    if request.output == Output::Classes {
        let options = Options::of_classes();
        return quantise::quantise(model, &request.schema, &options).map(|outcome| (options, outcome));
    }
    let network = is_network(model);
    let of = |bits: u32| {
        let options = if network {
            Options::of_network(bits)
        } else {
            Options { resolution: Resolution::ScoreBits(bits), ..Options::default() }
        };
        quantise::quantise(model, &request.schema, &options).map(|outcome| (options, outcome))
    };
    if let Some(bits) = request.score_bits {
        return of(bits);
    }
    if network {
        // The finest for which there is room: scores that are far from 0 have less.
        let [finest, coarser @ ..] = NETWORK_SCORE_BITS;
        let served = |found: &(Options, Outcome)| is_served(&found.1, request);
        let finest = of(finest)?;
        let found = if served(&finest) { None } else { coarser.into_iter().flat_map(of).find(served) };
        return Ok(found.unwrap_or(finest));
    }
    let [fewest, more @ ..] = SCORE_BITS;
    let mut best = of(fewest)?;
    for bits in more {
        if rounds_little(&best.1) {
            break;
        }
        match of(bits) {
            Ok(finer) if is_served(&finer.1, request) => best = finer,
            _ => break,
        }
    }
    Ok(best)
}

/// Whether a model has hidden layers.
const fn is_network(model: &Model) -> bool {
    matches!(&model.estimator, Estimator::Network { layers, .. } if layers.len() > 1)
}

/// What a network loses if it is offered for predictions on encrypted rows: its sums are coarse there.
pub(crate) fn coarseness(model: &Model, schema: &Schema, rows: &[Vec<Option<String>>]) -> Option<String> {
    if !is_network(model) {
        return None;
    }
    let found = preflight::preflight(model, schema, rows, &Options::of_network(NETWORK_SCORE_BITS[0]));
    let Some(report) = found.report else {
        return Some(format!("offered for encrypted predictions it is refused: {}", found.advice.join("; ")));
    };
    let worst = |errors: Option<Vec<f64>>| errors.into_iter().flatten().fold(0.0, f64::max);
    let mut text = format!(
        "offered for encrypted predictions, its hidden sums are rounded to 256 levels, which moves a score by at \
         most {:.4}, and buckets by {:.4}",
        worst(report.rounding),
        worst(report.buckets)
    );
    if let Some(rows) = found.rows {
        text += &format!("; on these {} rows by {:.4}", rows.rows, rows.max_score_difference);
        if let Some(equal) = rows.equal_classes {
            text += &format!(", with {:.1} % of the classes the same", 100.0 * equal);
        }
    }
    Some(text)
}

/// Whether rounding moves no score by more than a small share of its range.
fn rounds_little(outcome: &Outcome) -> bool {
    // A network without hidden layers says nothing of its rounding.
    let Some(rounding) = &outcome.report.rounding else { return true };
    let (low, high): (Vec<i64>, Vec<i64>) = outcome.model.bounds.iter().copied().unzip();
    let ranges = outcome.model.scores(&high).into_iter().zip(outcome.model.scores(&low));
    rounding.iter().zip(ranges).all(|(rounding, (high, low))| rounding * LEAST_STEPS <= high - low)
}

/// Whether the platform can evaluate it on encrypted rows, packed in every way that is offered.
fn is_served(outcome: &Outcome, request: &Request) -> bool {
    let packings: &[predict::Serving] = match request.serving {
        Serving::Batch => &[predict::Serving::Batch],
        Serving::Single => &[predict::Serving::Single],
        Serving::Both => &[predict::Serving::Batch, predict::Serving::Single],
    };
    let program = |packing: &predict::Serving| {
        predict::program(&outcome.model, &request.schema, request.encoding, *packing).is_ok()
    };
    packings.iter().all(program)
}

/// Offers a prepared model. Repeated with the same content it returns the same listing.
///
/// # Errors
/// `model_unsupported` with what to change; those of the network and the platform.
pub async fn publish(
    session: &Session,
    request: &Request,
    prepared: &Prepared,
) -> Result<ModelListing<Reading>, ClientError> {
    let body = PublishModel {
        title: request.title.clone(),
        description: request.description.clone(),
        schema: request.schema.clone(),
        encoding: request.encoding,
        serving: request.serving,
        price: request.price,
        currency: session.platform.currency,
        quota: request.quota,
        model: &prepared.model,
    };
    session.client.publish_model(&body).await
}

fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    let limit = Limits::default().bytes as u64;
    let length = std::fs::metadata(path).map_err(ClientError::file(path))?.len();
    if length > limit {
        return Err(ClientError::TooLarge { what: path.display().to_string(), limit });
    }
    std::fs::read(path).map_err(ClientError::file(path))
}
