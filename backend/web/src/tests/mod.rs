//! Black-box tests of every route, against real SQLite storage in a folder that goes away.

mod accounts;
mod appending;
mod buying;
mod gates;
mod listings;
mod models;
mod money;
mod objects;
mod pages;
mod predictions;
mod problems;
mod quoting;
mod world;
