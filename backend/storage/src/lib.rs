//! What the platform remembers: accounts, listings, jobs, the ledger and the objects.
//!
//! Every finder of something private takes the account, so that a query across tenants cannot be written by
//! accident. Rows are private to this crate; what it hands out are domain values. Time and identifiers are
//! passed in. Knows nothing of HTTP and FHE.

pub mod accounts;
pub mod api_keys;
pub mod client_keys;
mod connection;
mod error;
pub mod gates;
pub mod idempotency;
pub mod jobs;
pub mod ledger;
pub mod listings;
pub mod meta;
mod migrate;
pub mod models;
pub mod objects;
pub mod outbox;
pub mod predictions;
pub mod quotes;
pub mod releases;
#[expect(unreachable_pub, reason = "the derive of entities makes public items")]
mod rows;
mod transaction;
mod words;

#[cfg(test)]
mod tests;

pub use connection::{DatabaseConfig, Storage};
pub use error::StorageError;
