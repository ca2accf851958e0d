//! Small checks on numbers that files state.

use super::ImportError;

/// Fails unless a list has the expected length.
pub(super) fn expect_length(what: &str, found: usize, expected: usize) -> Result<(), ImportError> {
    if found == expected {
        return Ok(());
    }
    Err(ImportError::at(what, format!("{found} entries, expected {expected}")))
}

/// A child's number; `None` for the negative numbers that mean none.
pub(super) fn child(number: i64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// A logit of a share strictly between 0 and 1.
pub(super) fn logit(place: &str, share: f64) -> Result<f64, ImportError> {
    if share > 0.0 && share < 1.0 {
        return Ok((share / (1.0 - share)).ln());
    }
    Err(ImportError::at(place, format!("{share} is not strictly between 0 and 1")))
}
