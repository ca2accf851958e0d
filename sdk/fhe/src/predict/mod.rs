//! Encrypted prediction: a client encrypts rows under its own key, the platform evaluates a vendor's
//! model on them, and the client decrypts the scores.
//!
//! - The client makes [`ClientKeys`] and registers their public part once.
//! - [`encrypt`] computes what the model's public form asks for and encrypts it.
//! - [`Evaluator::evaluate`] runs the program; every output is hidden, so that nothing but the scores
//!   can be learned from it.
//! - [`decrypt`] gives the scores as the integers that the model has in clear.
//!
//! # What the vendor's weights are protected from
//!
//! The client holds the key and knows the noise of its own ciphertexts. Outputs are therefore
//! re-randomised (`mask`): an encryption of 0 under the client's public key makes the polynomials look
//! uniform, and at least 2^40 times the noise of the result drowns it, see
//! [`sordino_protocol::bounds::flooding`]. That holds for clients who make keys and ciphertexts as this
//! crate does. Who registers a public key that is none, or encrypts other than the form says, may learn
//! more than scores, as what a network gives for inputs that no row has; and scores themselves say something
//! about weights: a linear model is known after as many predictions as it has weights. Against both stand the
//! platform's quotas, not cryptography.

mod encrypt;
mod evaluate;
mod factor;
mod keys;
mod mask;
mod network;
mod noise;
mod outputs;
mod plain;
mod rotation;
mod rows;
mod seal;
mod single;
#[cfg(test)]
mod tests;

pub use encrypt::{encrypt, inputs_size};
pub use evaluate::Evaluator;
pub use keys::{ClientKeys, registration_size};
pub use outputs::{decrypt, outputs_size};
