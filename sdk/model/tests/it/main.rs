//! One test binary: models of real libraries, their integers, and hostile files.

mod accepted;
mod auditions;
mod classes;
mod damaged;
mod fixture;
mod hostile;
mod integers;
mod libraries;
mod measure;
mod networks;
mod predictions;
mod published;
mod served;
mod tables;
mod training;
mod unserved;
