//! `/v1/predictions`: a vendor's model, a client's encrypted rows.

pub mod output;
pub mod predict;
pub mod receipt;
