//! The rules of the marketplace: which state a job may move to, which ledger entries balance, what an
//! account or an API key must look like.
//!
//! Pure: time, identifiers and randomness are passed in. Knows no async, no database, no HTTP and no FHE.

pub mod accounts;
pub mod api_keys;
pub mod gates;
pub mod jobs;
pub mod ledger;
pub mod listings;
pub mod models;
pub mod objects;
pub mod pricing;
pub mod quotes;
pub mod releases;
