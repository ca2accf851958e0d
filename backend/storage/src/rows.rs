//! The rows as the database has them, one file a table; what they mean is in the areas beside.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod balances;
pub(crate) mod client_keys;
pub(crate) mod dataset_versions;
pub(crate) mod gates;
pub(crate) mod holds;
pub(crate) mod idempotency_keys;
pub(crate) mod jobs;
pub(crate) mod ledger_entries;
pub(crate) mod ledger_transactions;
pub(crate) mod listings;
pub(crate) mod meta;
pub(crate) mod models;
pub(crate) mod objects;
pub(crate) mod outbox;
pub(crate) mod prediction_usage;
pub(crate) mod predictions;
pub(crate) mod quotes;
pub(crate) mod receipts;
pub(crate) mod releases;
pub(crate) mod sealed_answers;
pub(crate) mod usage_records;
