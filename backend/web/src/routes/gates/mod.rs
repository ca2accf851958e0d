//! `/v1/gates`.

pub mod enrol;
pub mod releases;
