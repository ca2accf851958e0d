//! `/v1/releases`.

pub mod decide;
