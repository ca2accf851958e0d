//! The encrypted query engine: SQL to query, query to plan, plan to outputs.
//!
//! [`ask`] understands a buyer's question, SQL by way of [`sql`], [`planner`] chooses how to answer it, [`explain`] tells both in words,
//! [`executor`] computes on ciphertext; [`predictor`] evaluates models that are for sale. Knows neither HTTP nor a database, and never holds a key.

pub mod ask;
pub mod clear;
pub mod executor;
pub mod explain;
pub mod planner;
pub mod policy;
pub mod predictor;
pub mod sql;
