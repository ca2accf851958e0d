//! Reading fitted models as other libraries write them. All of them are hostile until proven: sizes
//! are checked before work, every tree is walked with a flat stack, and errors name the place.

mod lightgbm;
mod numbers;
mod onnx;
mod sklearn;
mod tree_builder;
mod xgboost;

use serde::{Deserialize, Serialize, de::IgnoredAny};

pub use self::{lightgbm::lightgbm, onnx::onnx, sklearn::sklearn, xgboost::xgboost};
use crate::{
    limits::{Limits, TooLarge, at_most},
    model::{Model, ModelError},
};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Our own format.
    Sordino,
    /// What training on an encrypted table wrote.
    Trained,
    /// What the Python module `sordino_export` writes.
    Exporter,
    /// XGBoost's JSON (`save_model("model.json")`).
    Xgboost,
    /// LightGBM's text (`save_model`) or JSON (`dump_model`).
    Lightgbm,
    /// ONNX.
    Onnx,
}

/// Why a file could not be read as a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is larger than accepted.
    #[error("the model has {0}")]
    TooLarge(#[from] TooLarge),
    /// Nothing that is known.
    #[error(
        "not a model: expected the JSON of sordino_export, of XGBoost or of LightGBM, LightGBM's text, or ONNX \
         (pickle and joblib files run code when read: export them with sordino_export)"
    )]
    Unknown,
    /// It says to be of a kind but cannot be read as one.
    #[error("{what} cannot be read: {reason}")]
    Syntax {
        /// What was expected.
        what: &'static str,
        /// What the reader said.
        reason: String,
    },
    /// An operator, an option or a field that is not supported.
    #[error("{operator} is not supported: {instead}")]
    Unsupported {
        /// Name of the operator and, where it matters, of the attribute.
        operator: String,
        /// What to use.
        instead: String,
    },
    /// A part of it is wrong.
    #[error("{place}: {reason}")]
    Part {
        /// Which part.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// It was read, but is no valid model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl ImportError {
    fn at(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Part { place: place.into(), reason: reason.into() }
    }

    fn unsupported(operator: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Unsupported { operator: operator.into(), instead: instead.into() }
    }
}

/// The keys that tell one JSON from another.
#[derive(Deserialize)]
struct Keys {
    format: Option<String>,
    learner: Option<IgnoredAny>,
    tree_info: Option<IgnoredAny>,
    model: Option<IgnoredAny>,
    rounds: Option<IgnoredAny>,
}

/// What a file is, by its content.
pub fn detect(bytes: &[u8]) -> Option<Source> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if bytes[start] == b'{' {
        let keys: Keys = serde_json::from_slice(bytes).ok()?;
        return match keys.format.as_deref() {
            Some(format) if format.starts_with("sordino-model/") => Some(Source::Sordino),
            Some(format) if format.starts_with("sordino-export/") => Some(Source::Exporter),
            // What training wrote: the model, and how it came about.
            _ if keys.model.is_some() && keys.rounds.is_some() => Some(Source::Trained),
            _ if keys.learner.is_some() => Some(Source::Xgboost),
            _ if keys.tree_info.is_some() => Some(Source::Lightgbm),
            _ => None,
        };
    }
    if bytes[start..].starts_with(b"tree\n") || bytes[start..].starts_with(b"tree\r\n") {
        return Some(Source::Lightgbm);
    }
    onnx::is_onnx(bytes).then_some(Source::Onnx)
}

/// Reads a model of any known kind.
///
/// `names` are the columns of the table in the model's order, for files that do not keep them; a file
/// that names its inputs needs none.
///
/// # Errors
/// When it is too large, of no known kind, unsupported or not well formed.
pub fn any(bytes: &[u8], names: Option<&[String]>, limits: &Limits) -> Result<Model, ImportError> {
    at_most("bytes", bytes.len(), limits.bytes)?;
    match detect(bytes).ok_or(ImportError::Unknown)? {
        Source::Sordino => Ok(Model::from_json(bytes, limits)?),
        Source::Trained => Ok(crate::export::sklearn::read(bytes, limits)?),
        Source::Exporter => sklearn(bytes, limits),
        Source::Xgboost => xgboost(bytes, names, limits),
        Source::Lightgbm => lightgbm(bytes, names, limits),
        Source::Onnx => onnx(bytes, names, limits),
    }
}

/// Reads JSON of one kind, after looking at its size.
fn json<'a, T: Deserialize<'a>>(
    what: &'static str,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<T, ImportError> {
    at_most("bytes", bytes.len(), limits.bytes)?;
    serde_json::from_slice(bytes).map_err(|error| ImportError::Syntax { what, reason: error.to_string() })
}

/// The names of `count` inputs: those the caller gave, those of the file, or an error that says how to
/// give them.
fn input_names(
    given: Option<&[String]>,
    found: Vec<String>,
    count: usize,
    limits: &Limits,
) -> Result<Vec<String>, ImportError> {
    at_most("inputs", count, limits.inputs)?;
    let names = given.map_or(found, <[String]>::to_vec);
    if names.len() == count {
        return Ok(names);
    }
    let reason = format!(
        "{} names for {count} inputs: fit the model on a data frame, or give the column names in order",
        names.len()
    );
    Err(ImportError::at("feature names", reason))
}
