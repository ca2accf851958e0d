//! Layout `rollup`: encrypted aggregates. The owner sums and encrypts cells; a program is an integer
//! dot product of the cells with 0/1 weights, exact and the same on every machine.

mod aggregate;
mod evaluate;
mod products;
mod restore;
mod segment;

use bytes::Bytes;

use crate::error::SourceError;

pub use aggregate::Aggregator;
pub use evaluate::evaluate;
#[cfg(test)]
pub(crate) use segment::Segment;

/// Where the segments of a dataset version are read from.
pub trait SegmentSource: Sync {
    /// The stored bytes of a segment; asked at most once per evaluation, from several threads.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    fn segment(&self, index: u64) -> Result<Bytes, SourceError>;
}
