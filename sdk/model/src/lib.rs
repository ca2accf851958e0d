//! Models that are brought to encrypted tables, or sold for encrypted prediction.
//!
//! A fitted model is read ([`import`]) into one format of our own ([`model::Model`]), evaluated in
//! floating point as the reference ([`float`]), turned into integers over the public schema of a
//! table ([`quantise`]), and evaluated in integers ([`quantised`]): the exact reference that an
//! encrypted evaluation must equal; [`predict`] compiles it for encrypted inputs. [`preflight`] says beforehand what is supported and how far the
//! integers are from the floating-point model; [`metrics`] turns released counts into metrics.
//! [`audition`] compiles a model to a query over an encrypted table, and reads its answer.
//! Models are fitted to encrypted tables by [`train`], from released statistics alone; [`export`] writes
//! them for Python.
//!
//! This crate knows no I/O, no clock and no FHE. Everything it reads is untrusted: [`limits`] are
//! checked before work is done, and no depth of a model becomes a depth of the stack.

pub mod audition;
pub mod export;
pub mod float;
pub mod import;
pub mod limits;
pub mod metrics;
pub mod model;
pub mod predict;
pub mod preflight;
pub mod quantise;
pub mod quantised;
pub mod scalar;
pub mod train;
