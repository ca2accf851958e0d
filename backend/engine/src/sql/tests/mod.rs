//! Tests of the SQL front end.

mod accepted;
mod hostile;
mod refused;
mod semantics;
