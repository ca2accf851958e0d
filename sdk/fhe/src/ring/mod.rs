//! Arithmetic of polynomials modulo products of primes, by their residues: what the evaluation of scan
//! programs consists of.
//!
//! The BFV library has all of this, but one operation at a time, each of which allocates, transforms
//! there and back, and walks the residues in an order that defeats the cache. Here the same numbers are
//! computed in place on rows of residues, so that transforms are shared between operations; the tests
//! compare with the library, residue by residue. Keys, tables and what owners decrypt stay with the
//! library; rows of predictions are encrypted here, see [`crate::predict`].
//!
//! A polynomial is a [`Rows`]: for each prime of its basis a row of N residues, reduced, in the domain
//! of the transform that the library uses too, unless it is said to hold coefficients.

mod basis;
mod conversion;
mod prime;

pub(crate) use basis::{Basis, Rows};
pub(crate) use conversion::{Conversion, Ratio};
pub(crate) use prime::Prime;
