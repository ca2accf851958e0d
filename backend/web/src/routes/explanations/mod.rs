//! `/v1/explanations`.

pub mod ask;
