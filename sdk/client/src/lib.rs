//! Workflows of owners, gates and buyers over HTTP; no terminal is needed.
//!
//! An owner infers a schema ([`infer`]), encrypts and publishes ([`publish`]) and runs a gate
//! ([`gate`]); a buyer asks for quotes, buys and opens answers ([`buyer`]) and checks receipts
//! ([`receipt`]), brings a model instead of a question ([`auditions`]), or fits one to what he asks
//! ([`training`]). Models are sold, and predict on encrypted rows, in [`models`]. What a person keeps on
//! disk is a [`profile`]; a [`session`] joins a profile to a platform whose key is pinned. Nothing here
//! reads the environment or writes to a terminal.
//!
//! An owner: [`account::register`], [`profile::Profile::create_keys`], [`publish::plan`],
//! [`publish::publish`], then [`gate::Gate::open`] and [`gate::Gate::run`]. A buyer:
//! [`account::register`], `create_keys`, [`buyer::quote`], [`buyer::buy`], [`buyer::wait`],
//! [`buyer::open`]. Making and decrypting keys takes a moment: call it off the async runtime.

pub mod account;
pub mod api;
pub mod auditions;
pub mod buyer;
pub mod error;
pub mod explain;
pub mod gate;
pub mod infer;
pub mod models;
pub mod profile;
pub mod publish;
pub mod receipt;
pub mod render;
pub mod sandbox;
pub mod session;
pub mod table;
pub mod training;

pub use error::ClientError;
