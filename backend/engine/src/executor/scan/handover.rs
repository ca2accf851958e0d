//! Partial results on their way from the aggregate of a lane to the aggregate of the whole.
//!
//! DataFusion moves the state of an aggregate as an Arrow array. A ciphertext of 2.75 MB an output
//! would be written, copied and read again only to change hands between threads, so within one process
//! the state is a ticket of eight bytes, and the partial result waits here as it is. An engine whose
//! parts do not share memory moves the words themselves. Both forms merge to the same bits.
//!
//! For one output or two the time makes no difference that can be measured; but for a query of a
//! hundred groups the words are hundreds of megabytes a lane, held twice while they change hands.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sordino_fhe::{error::FheError, scan::Partial};
use sordino_protocol::{parameters::ParameterSet, program::ScanProgram};

/// How the state of the aggregate looks to DataFusion.
#[derive(Debug)]
pub(in crate::executor) enum Handover {
    /// Tickets for partial results of this process.
    InProcess(Tickets),
    /// The words themselves.
    #[cfg_attr(not(test), expect(dead_code, reason = "for a distributed engine; tested"))]
    Words,
}

impl Default for Handover {
    fn default() -> Self {
        Self::InProcess(Tickets::default())
    }
}

/// Partial results that wait to be merged.
#[derive(Debug, Default)]
pub(in crate::executor) struct Tickets(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    partials: HashMap<u64, Partial>,
}

impl Handover {
    /// The state that stands for a partial result.
    pub(super) fn give(&self, partial: Partial, set: ParameterSet) -> Vec<u8> {
        match self {
            Self::Words => partial.to_bytes(set),
            Self::InProcess(tickets) => {
                let mut waiting = tickets.lock();
                let ticket = waiting.next;
                waiting.next += 1;
                waiting.partials.insert(ticket, partial);
                ticket.to_le_bytes().to_vec()
            }
        }
    }

    /// The partial result that a state stands for; nothing if a ticket was never given, or is used.
    pub(super) fn take(&self, state: &[u8], program: &ScanProgram) -> Result<Option<Partial>, FheError> {
        match self {
            Self::Words => Partial::from_bytes(state, program).map(Some),
            Self::InProcess(tickets) => {
                let ticket = state.try_into().map(u64::from_le_bytes);
                Ok(ticket.ok().and_then(|ticket| tickets.lock().partials.remove(&ticket)))
            }
        }
    }
}

impl Tickets {
    /// A panic while it was held cannot leave it half changed.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
