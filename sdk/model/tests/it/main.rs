//! One test binary: models of real libraries, their integers, and hostile files.

mod auditions;
mod fixture;
mod hostile;
mod integers;
mod libraries;
mod tables;
mod training;
