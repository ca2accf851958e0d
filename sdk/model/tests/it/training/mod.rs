//! Trainers on real tables, with the plaintext evaluator in the place of an encrypted run.

mod cases;
mod compiles;
mod exported;
mod oracle;
mod protected;
