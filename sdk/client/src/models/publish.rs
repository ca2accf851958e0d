//! Offering a model: a file of a fitted model becomes integers over a public schema. Nothing but these
//! leaves the machine, and only the platform sees them.

use std::path::{Path, PathBuf};

use sordino_model::{
    import,
    limits::Limits,
    model::Kind,
    preflight,
    quantise::{self, Options, Report, Resolution},
    quantised::{Quantised, Reading},
};
use sordino_protocol::{
    api::models::{ModelListing, PredictionQuota, PublishModel, Serving},
    money::Amount,
    predict::InputEncoding,
    schema::Schema,
};

use super::ModelsError;
use crate::{ClientError, session::Session};

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
    /// Bits of a score; fewer round what clients learn.
    pub score_bits: u32,
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
    let options = Options { resolution: Resolution::ScoreBits(request.score_bits), ..Options::default() };
    let advice = preflight::preflight(&model, &request.schema, &[], &options).advice;
    let outcome = quantise::quantise(&model, &request.schema, &options).map_err(ModelsError::from)?;
    Ok(Prepared { kind: model.kind(), model: outcome.model, report: outcome.report, advice })
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
