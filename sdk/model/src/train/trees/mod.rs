//! Trees from released histograms: what may be split, how good a split is, and how nodes become a tree.

pub(super) mod boosted;
mod ensemble;
mod gain;
mod grid;
mod known;
mod pieces;
mod region;
pub(super) mod single;
mod split;
mod target;
mod write;
