//! Support of the integration tests: a marketplace in this process or as processes of its own, the
//! parties that use it, and a proxy that keeps every byte that crosses.

pub mod app;
pub mod models;
pub mod parties;
pub mod process;
pub mod proxy;
pub mod skip;
pub mod tables;
