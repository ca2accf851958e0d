//! Evaluates a scan program: chunk by chunk, then merged and finished.
//!
//! Sums of products are exact modulo the extended basis, so neither the order nor the grouping of
//! chunks changes a bit of the result; rounding happens once, when they are scaled down.

use rayon::prelude::*;
use sordino_protocol::{bounds, parameters::ParameterSet, program::ScanProgram};

use crate::{
    error::FheError,
    evaluation_keys,
    outputs::{Outputs, SlotSum},
    progress::Progress,
    scan::{
        RelinearisationKey, SliceSource,
        ciphertext::Ciphertext,
        run::Run,
        tables::{Tables, tables},
    },
    trust::{Object, guard},
};

/// Evaluates programs of one parameter set under one owner's evaluation keys. Expensive to make (it
/// expands the keys); meant to be kept, by the digest of the key object.
pub struct Evaluator {
    set: ParameterSet,
    key: RelinearisationKey,
}

/// The outputs of some chunks, added up but not yet summed over the slots.
#[derive(Clone)]
pub struct Partial {
    pub(crate) sums: Vec<Ciphertext>,
    pub(crate) tables: &'static Tables,
}

impl Evaluator {
    /// Reads evaluation keys.
    ///
    /// # Errors
    /// When `set` is no scan set or the keys are refused.
    pub fn new(set: ParameterSet, evaluation_keys: &[u8]) -> Result<Self, FheError> {
        Ok(Self { set, key: evaluation_keys::read(evaluation_keys, set)? })
    }

    /// Runs `program` on one chunk.
    ///
    /// # Errors
    /// When the program is not well formed, a slice is missing or refused, or it is cancelled.
    pub fn evaluate_chunk(
        &self,
        program: &ScanProgram,
        chunk: &dyn SliceSource,
        progress: &dyn Progress,
    ) -> Result<Partial, FheError> {
        let tables = self.tables(program)?;
        let early = bounds::finishes_early(program)?;
        let run = Run { set: self.set, key: &self.key, tables, program, early, chunk, progress };
        guard(Object::Slice, || run.all()).map(|sums| Partial { sums, tables })
    }

    /// Adds the outputs of other chunks; the order does not matter.
    ///
    /// # Errors
    /// When they are outputs of another program.
    pub fn merge(&self, into: &mut Partial, other: Partial, progress: &dyn Progress) -> Result<(), FheError> {
        let tables = into.tables;
        let (expected, found) = (into.sums.len(), other.sums.len());
        let alike = into.sums.iter().zip(&other.sums).all(|(a, b)| a.is_like(b));
        if expected != found || !alike || !std::ptr::eq(tables, other.tables) {
            return Err(FheError::Partials { expected, found });
        }
        into.sums.par_iter_mut().zip(&other.sums).for_each(|(sum, more)| {
            sum.add_multiple(more, 1, tables);
            progress.advance(1);
        });
        Ok(())
    }

    /// Relinearises where needed, switches down, and extracts the sum over the slots.
    ///
    /// # Errors
    /// When `partial` is of another program, or it is cancelled.
    pub fn finish(
        &self,
        program: &ScanProgram,
        partial: Partial,
        progress: &dyn Progress,
    ) -> Result<Outputs, FheError> {
        let tables = self.tables(program)?;
        let (expected, found) = (program.outputs.len(), partial.sums.len());
        if expected != found || !std::ptr::eq(tables, partial.tables) {
            return Err(FheError::Partials { expected, found });
        }
        let finish = |sum: Ciphertext| {
            if progress.cancelled() {
                return Err(FheError::Cancelled);
            }
            // What was finished chunk by chunk was counted there.
            progress.advance(u64::from(!matches!(sum, Ciphertext::Finished(_))));
            Ok(self.key.finish(&sum, tables))
        };
        let finished: Result<Vec<SlotSum>, FheError> =
            guard(Object::Outputs, || partial.sums.into_par_iter().map(finish).collect());
        Ok(Outputs::Scan(self.set, finished?))
    }

    /// Checks a program and gives the tables it needs.
    fn tables(&self, program: &ScanProgram) -> Result<&'static Tables, FheError> {
        if program.parameter_set != self.set {
            return Err(FheError::MixedSets { expected: self.set, found: program.parameter_set });
        }
        tables(self.set, bounds::working_moduli(program)?)
    }
}

impl std::fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Evaluator({})", self.set)
    }
}

impl std::fmt::Debug for Partial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Partial({} outputs)", self.sums.len())
    }
}
