//! `/v1/quotes`.

pub mod ask;
