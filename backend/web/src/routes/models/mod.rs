//! `/v1/models`: models for sale.

pub mod list;
pub mod publish;
pub mod show;
pub mod withdraw;
