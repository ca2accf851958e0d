//! The wiring of the platform: configuration, secrets, telemetry, the HTTP server and the worker.
//! Everything that decides anything lives in the crates below; this one connects them.

pub mod bench;
pub mod config;
pub mod demo;
pub mod operator;
pub mod platform;
pub mod secrets;
pub mod serve;
pub mod telemetry;
pub mod worker;

pub use config::Config;
