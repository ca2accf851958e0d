//! Tests of predictions inside the crate: noise, hiding, and hostile bytes. That predictions equal a
//! model in clear is tested with the models.

mod hiding;
mod hostile;
mod network;
mod noise;
mod sealing;
mod support;
