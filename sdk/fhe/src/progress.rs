//! Progress of an evaluation, exact because a program is data-oblivious.

/// Told of every finished operation; the total equals
/// [`sordino_protocol::cost::OperationCounts::total`] of the program.
pub trait Progress: Sync {
    /// So many more operations are done.
    fn advance(&self, operations: u64);

    /// Whether to stop; asked between operations.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn advance(&self, _: u64) {}
}
