//! Writing trained models for other libraries.

pub mod sklearn;
