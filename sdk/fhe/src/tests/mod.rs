//! Tests of the whole crate: encryption to decryption against the plaintext evaluator, measured noise
//! against the static bound, hostile bytes, determinism.

mod appended;
mod arithmetic;
mod determinism;
mod end_to_end;
mod hostile;
mod key_files;
mod measure;
mod measure_parts;
mod moments;
mod noise;
mod partials;
mod scores;
pub(crate) mod support;
