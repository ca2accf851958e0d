//! `/v1/api-keys`.

pub mod create;
pub mod delete;
pub mod list;
