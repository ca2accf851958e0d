//! A model instead of a question: how well it predicts the rows of a listing, which nobody sees.
//!
//! The model is read and compiled on this machine ([`prepare`]); what is asked, paid and answered is a
//! query like any other ([`fit()`], [`quote`], then [`crate::buyer`]); the answer becomes metrics ([`metrics`]).
//! The query says what the model does: platform and owner see it.

mod fit;
mod report;

use sordino_model::{
    audition::{self, ChooseError, Chosen, Metrics, ReadError, Subject},
    import::{self, ImportError},
    limits::Limits,
    model::Model,
    preflight::{self, Preflight},
    quantise::Options,
};
use sordino_protocol::{
    api::{AskQuote, Listing, Question},
    layout::LayoutKind,
    schema::{ColumnId, Schema},
};

pub use fit::fit;
pub use report::{described, measured};

use crate::{
    ClientError,
    buyer::{self, CheckedOffer, Opened},
    models::publish,
    sandbox::Sandbox,
    session::Session,
};

/// Why a model cannot be brought to a listing.
#[derive(Debug, thiserror::Error)]
pub enum AuditionError {
    /// The file is no model.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// No such column.
    #[error("table `{table}` has no column `{name}`: its columns are {known}")]
    Column {
        /// As asked.
        name: String,
        /// Of the listing.
        table: String,
        /// What there is.
        known: String,
    },
    /// See [`ChooseError`].
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What is to be found out.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The column that is predicted.
    pub label: &'a str,
    /// Metrics by the values of this dimension, too.
    pub by: Option<&'a str>,
    /// Whether the model is kept from the owner's gate, which then sees which columns it reads and how many
    /// rows each predicted class gets. The platform sees all of it in either case.
    pub is_hidden: bool,
}

/// A model, and its audition on one listing.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// As it was read.
    pub model: Model,
    /// What it reads, and how far its integers may be off.
    pub preflight: Preflight,
    /// Its integers, what is asked, and how the answer is read.
    pub chosen: Chosen,
    /// The listing.
    pub listing: Listing,
    /// The column that is predicted.
    pub label: ColumnId,
    /// The column of groups.
    by: Option<ColumnId>,
    /// Whether it is kept from the owner's gate.
    pub is_hidden: bool,
}

/// Reads a model from the bytes of a file; `inputs` names the columns of an ONNX model that has one
/// unnamed input.
///
/// # Errors
/// What keeps it from being read, by name.
pub fn read(bytes: &[u8], inputs: Option<&[String]>) -> Result<Model, AuditionError> {
    Ok(import::any(bytes, inputs, &Limits::default())?)
}

/// What a model would read of a table, and how far its integers would be off. `rows` have a text for
/// each column.
pub fn check(model: &Model, schema: &Schema, rows: &[Vec<Option<String>>]) -> Preflight {
    let mut found = preflight::preflight(model, schema, rows, &Options::default());
    found.advice.extend(publish::coarseness(model, schema, rows));
    found
}

/// Compiles an audition. Takes a moment for large models: call it off the async runtime.
///
/// # Errors
/// Why the model cannot be evaluated on this listing, and what would be possible.
pub fn prepare(model: Model, listing: Listing, request: Request<'_>) -> Result<Prepared, AuditionError> {
    let schema = &listing.schema;
    let (label, by) = (column(schema, request.label)?, request.by.map(|by| column(schema, by)).transpose()?);
    let is_hidden = request.is_hidden;
    let subject = Subject { dataset: listing.dataset, rows: listing.rows, label, by, is_hidden };
    let chosen = audition::choose(&model, schema, subject)?;
    let preflight = preflight::preflight(&model, schema, &[], &chosen.options);
    Ok(Prepared { model, preflight, chosen, listing, label, by, is_hidden })
}

impl Prepared {
    const fn subject(&self) -> Subject {
        let Listing { dataset, rows, .. } = self.listing;
        Subject { dataset, rows, label: self.label, by: self.by, is_hidden: self.is_hidden }
    }

    /// Compares the integers with the model as it was read, on synthetic rows of the listing.
    pub fn compare(&mut self, sandbox: &Sandbox) {
        let (schema, options) = (&self.listing.schema, &self.chosen.options);
        self.preflight = preflight::preflight(&self.model, schema, &sandbox.rows, options);
    }
}

fn column(schema: &Schema, name: &str) -> Result<ColumnId, AuditionError> {
    schema.find(name).ok_or_else(|| {
        let known: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        AuditionError::Column { name: name.to_owned(), table: schema.table.clone(), known: known.join(", ") }
    })
}

/// Asks what an audition costs, and checks the offer as for any query.
///
/// # Errors
/// As [`buyer::quote`]; `no_plan` when the integers are too fine, see [`fit()`]; `conflict` when the listing has a
/// new version since; `policy_refused` when the model is to be hidden and the owner wants it disclosed.
pub async fn quote(
    session: &Session,
    prepared: &Prepared,
    layout: Option<LayoutKind>,
) -> Result<CheckedOffer, ClientError> {
    buyer::quote_ask(session, prepared.listing.clone(), ask(prepared, layout)).await
}

fn ask(prepared: &Prepared, layout: Option<LayoutKind>) -> AskQuote {
    let question = Question::Query(Box::new(prepared.chosen.audition.query.clone()));
    AskQuote { hidden: prepared.is_hidden, ..AskQuote::new(prepared.listing.id, question, layout) }
}

/// The metrics in an opened answer.
///
/// # Errors
/// When everything is withheld, or the answer is to something else.
pub fn metrics(prepared: &Prepared, opened: &Opened) -> Result<Metrics, AuditionError> {
    Ok(audition::metrics(&prepared.chosen.audition, &opened.answer)?)
}
