//! `/v1/objects`: ciphertext by digest.

pub mod download;
pub mod missing;
pub mod range;
pub mod upload;
