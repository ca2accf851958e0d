//! The encrypted query engine: SQL to query, query to plan, plan to outputs.
//!
//! [`sql`] understands a buyer's text, [`planner`] chooses how to answer it, [`explain`] tells both in words,
//! [`executor`] computes on ciphertext; [`predictor`] evaluates models that are for sale. Knows neither HTTP nor a database, and never holds a key.

pub mod clear;
pub mod executor;
pub mod explain;
pub mod planner;
pub mod policy;
pub mod predictor;
pub mod sql;
