//! `/v1/accounts` and `/v1/account`.

pub mod key;
pub mod register;
pub mod show;
