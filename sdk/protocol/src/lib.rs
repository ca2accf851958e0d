//! The contract between owner, gate, platform and buyer.
//!
//! Everything that crosses a trust boundary is defined here: identifiers, schema, query, policy,
//! program, quote, receipt, manifest, sealed answer and the wire types of `/v1`. Also the pure
//! functions that every party must compute alike: lowering a query to a program, its cost, its
//! static bounds, and the plaintext evaluator that is the oracle of every test.
//!
//! This crate knows no I/O, no clock, no FHE library and nothing else of ours.

pub mod answer;
pub mod api;
pub mod bounds;
pub mod canonical;
pub mod coded;
pub mod cost;
pub mod digest;
pub mod ids;
pub mod layout;
pub mod layout_plan;
pub mod lower;
pub mod manifest;
pub mod merkle;
pub mod money;
pub mod noise;
pub mod parameters;
pub mod plaintext;
pub mod policy;
pub mod predicate;
pub mod predict;
pub mod presentation;
pub mod problem;
pub mod program;
pub mod query;
pub mod quote;
pub mod receipt;
pub mod release;
pub mod release_values;
pub mod schema;
pub mod sealed;
pub mod signature;
pub mod testing;
