//! `/v1/queries`: jobs, from acceptance to the answer.

pub mod answer;
pub mod buy;
pub mod cancel;
pub mod events;
pub mod presentation;
pub mod receipt;
pub mod show;
