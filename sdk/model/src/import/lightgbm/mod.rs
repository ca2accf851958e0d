//! LightGBM: the text that `save_model` writes, and the JSON of `dump_model`.

mod dump;
mod parts;
pub(super) mod text;

use super::ImportError;
use crate::{limits::Limits, model::Model};

/// Reads LightGBM's text or JSON. Classes are labelled `0`, `1`, ...: the file does not keep their names.
///
/// # Errors
/// When it is too large, uses what is not supported, or is not well formed.
pub fn lightgbm(bytes: &[u8], names: Option<&[String]>, limits: &Limits) -> Result<Model, ImportError> {
    crate::limits::at_most("bytes", bytes.len(), limits.bytes)?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        return dump::model(bytes, names, limits);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ImportError::Syntax { what: "the model of LightGBM", reason: error.to_string() })?;
    text::model(text, names, limits)
}
