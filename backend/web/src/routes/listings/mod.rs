//! `/v1/listings`.

pub mod append;
pub mod list;
pub mod manifest;
pub mod publish;
pub mod sandbox;
pub mod show;
pub mod withdraw;
