//! The one integration binary of the workspace: linking is slow, so every test that needs more than
//! one crate is a module of this file.

mod appending;
mod arch;
mod auditions;
mod bad_input;
mod canary;
mod command_line;
mod documents;
mod faults;
mod hidden;
mod licences;
mod main_loop;
mod metadata;
mod networks;
mod portal;
mod predictions;
mod rounding;
mod training;
mod understood;
