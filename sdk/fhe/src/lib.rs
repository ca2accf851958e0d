//! The cryptography: parameter sets, keys, encryption of the layouts, evaluation of programs on
//! ciphertext, decryption of outputs. The only crate that knows `tfhe` and `fhe`.
//!
//! Pure and synchronous: bytes in, bytes out. It knows no files, no network, no clock and no policy;
//! randomness for secrets is passed in. What comes from outside passes [`trust`] first.

pub mod error;
pub mod evaluation_keys;
mod key_bytes;
pub mod keys;
pub mod naive;
pub mod outputs;
pub mod parameters;
mod pool;
pub mod predict;
pub mod progress;
mod ring;
pub mod rollup;
pub mod scan;
pub mod trust;
pub mod withhold;

#[cfg(test)]
mod tests;
