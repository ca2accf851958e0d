//! `/v1/balance`, `/v1/ledger` and `/v1/top-ups`.

pub mod balance;
pub mod statement;
pub mod top_up;
