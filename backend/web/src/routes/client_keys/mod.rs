//! `/v1/client-keys`: what clients of models register once.

pub mod register;
