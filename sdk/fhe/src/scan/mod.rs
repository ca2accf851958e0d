//! Layout `scan`: an encrypted bitmap index of rows. The owner encrypts slices chunk by chunk; a
//! program is a straight line of operations on slices, run for every chunk, whose results are added
//! up and then summed over the slots.

mod chunk;
pub(crate) mod ciphertext;
mod encrypt;
mod evaluate;
mod footer;
mod partial;
mod registers;
mod relinearise;
mod run;
pub(crate) mod tables;
pub(crate) mod wire;

use bytes::Bytes;
use sordino_protocol::layout::Slice;

use crate::error::SourceError;

#[cfg(test)]
pub(crate) use chunk::write as write_chunk;
pub use chunk::{ChunkReader, slice_size};
pub use encrypt::encrypt_chunk;
pub use evaluate::{Evaluator, Partial};
pub use footer::{Footer, TAIL};
pub(crate) use relinearise::RelinearisationKey;
pub(crate) use run::Run;

/// Where the slices of one chunk are read from.
pub trait SliceSource: Sync {
    /// Serialised ciphertexts in the order wanted. Asked several times per chunk, each time for the
    /// slices that the next operations need.
    ///
    /// # Errors
    /// When one is missing or cannot be read.
    fn slices(&self, wanted: &[Slice]) -> Result<Vec<Bytes>, SourceError>;
}
