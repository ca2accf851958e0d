//! Tests of the SQL front end.

mod accepted;
mod hostile;
mod presented;
mod random;
mod refused;
mod totals;
