//! The file of a trained model that Python loads.

use crate::{
    limits::Limits,
    model::{Model, ModelError},
    train::Trained,
};

/// The file that the Python module `sordino_export` loads as an estimator with the conventions of
/// scikit-learn: the model with its parameters, and how it was trained.
///
/// # Errors
/// When the model is not well formed.
pub fn write(trained: &Trained) -> Result<Vec<u8>, ModelError> {
    trained.model.validate(&Limits::default())?;
    serde_json_canonicalizer::to_vec(trained).map_err(|error| ModelError::Format(error.to_string()))
}

/// The model in a file that [`write()`] wrote.
///
/// # Errors
/// When it is too large or not well formed.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Model, ModelError> {
    crate::limits::at_most("bytes", bytes.len(), limits.bytes)?;
    let trained: Trained =
        serde_json::from_slice(bytes).map_err(|error| ModelError::Format(error.to_string()))?;
    trained.model.validate(limits)?;
    Ok(trained.model)
}
