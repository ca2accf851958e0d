//! Lowering, planning and validation against the plaintext evaluator.

mod golden;
mod interpreter;
mod lowering;
mod manifests;
mod moments;
mod noised;
mod oracle;
mod planning;
mod publication;
mod scores;
mod steps;
