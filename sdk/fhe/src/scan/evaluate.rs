//! Evaluates a scan program: chunk by chunk, then merged and finished.

use fhe::bfv::{Ciphertext, Multiplicator, RelinearizationKey};
use rayon::prelude::*;
use sordino_protocol::{
    bounds,
    layout::Slice,
    parameters::ParameterSet,
    program::{Register, ScanProgram, Step},
};

use crate::{
    error::{FheError, SourceError},
    evaluation_keys,
    outputs::{Outputs, SlotSum},
    progress::Progress,
    scan::{
        SliceSource,
        registers::{Registers, operands},
        wire,
    },
    trust::{Object, guard},
};

/// Slices read and added at a time, so that a sum over many never holds them all.
const SLICES_AT_ONCE: usize = 16;

/// Evaluates programs of one parameter set under one owner's evaluation keys. Expensive to make (it
/// expands the keys); meant to be kept, by the digest of the key object.
pub struct Evaluator {
    set: ParameterSet,
    relinearisation: RelinearizationKey,
    multiplicator: Multiplicator,
}

/// The outputs of some chunks, added up but not yet summed over the slots.
#[derive(Clone)]
pub struct Partial {
    pub(crate) sums: Vec<Ciphertext>,
}

impl Evaluator {
    /// Reads evaluation keys.
    ///
    /// # Errors
    /// When `set` is no scan set or the keys are refused.
    pub fn new(set: ParameterSet, evaluation_keys: &[u8]) -> Result<Self, FheError> {
        let relinearisation = evaluation_keys::read(evaluation_keys, set)?;
        let multiplicator = guard(Object::EvaluationKeys, || {
            Multiplicator::default(&relinearisation).map_err(FheError::bfv("preparing multiplication"))
        })?;
        Ok(Self { set, relinearisation, multiplicator })
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
        self.check(program)?;
        guard(Object::Slice, || self.run(program, chunk, progress))
    }

    /// Adds the outputs of other chunks; the order does not matter.
    ///
    /// # Errors
    /// When they are outputs of another program.
    pub fn merge(&self, into: &mut Partial, other: Partial, progress: &dyn Progress) -> Result<(), FheError> {
        let (expected, found) = (into.sums.len(), other.sums.len());
        let alike = into.sums.iter().zip(&other.sums).all(|(a, b)| a.len() == b.len());
        if expected != found || !alike {
            return Err(FheError::Partials { expected, found });
        }
        into.sums.par_iter_mut().zip(&other.sums).for_each(|(sum, more)| {
            *sum += more;
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
        self.check(program)?;
        let (expected, found) = (program.outputs.len(), partial.sums.len());
        if expected != found {
            return Err(FheError::Partials { expected, found });
        }
        let finished = guard(Object::Outputs, || {
            partial.sums.into_par_iter().map(|sum| self.finish_one(sum, progress)).collect()
        });
        Ok(Outputs::Scan(self.set, finished?))
    }

    fn finish_one(&self, mut sum: Ciphertext, progress: &dyn Progress) -> Result<SlotSum, FheError> {
        if progress.cancelled() {
            return Err(FheError::Cancelled);
        }
        if sum.len() == 3 {
            self.relinearisation.relinearizes(&mut sum).map_err(FheError::bfv("relinearising"))?;
            progress.advance(1);
        }
        let total = SlotSum::extract(&sum, self.set)?;
        progress.advance(1);
        Ok(total)
    }

    fn check(&self, program: &ScanProgram) -> Result<(), FheError> {
        if program.parameter_set != self.set {
            return Err(FheError::MixedSets { expected: self.set, found: program.parameter_set });
        }
        bounds::degrees(program)?;
        Ok(())
    }

    /// Runs the steps in order; neighbouring steps that do not depend on each other run together.
    fn run(
        &self,
        program: &ScanProgram,
        chunk: &dyn SliceSource,
        progress: &dyn Progress,
    ) -> Result<Partial, FheError> {
        let inputs = program.slices.len();
        let mut registers = Registers::new(program);
        let width = rayon::current_num_threads().max(1);
        let mut next = 0;
        while next < program.steps.len() {
            let ready = program.steps[next..]
                .iter()
                .take(width)
                .take_while(|step| operands(step).iter().all(|r| (*r as usize) < inputs + next))
                .count()
                .max(1);
            let steps = &program.steps[next..next + ready];
            if let [Step::Sum(terms)] = steps {
                let sum = self.sum(program, terms, &mut registers, chunk, progress)?;
                registers.store(inputs + next, sum);
            } else {
                let wanted = steps.iter().flat_map(operands).collect::<Vec<_>>();
                self.load(program, &wanted, &mut registers, chunk, progress)?;
                let results: Vec<Ciphertext> = steps
                    .par_iter()
                    .map(|step| self.step(step, &registers, progress))
                    .collect::<Result<_, FheError>>()?;
                wanted.iter().for_each(|register| registers.release(*register));
                for (offset, result) in results.into_iter().enumerate() {
                    registers.store(inputs + next + offset, result);
                }
            }
            next += ready;
        }
        self.load(program, &program.outputs, &mut registers, chunk, progress)?;
        // Slices that nothing uses are not read, but were counted.
        progress.advance(registers.unused(inputs));
        let sums = program.outputs.iter().map(|register| registers.take(*register));
        sums.collect::<Option<_>>().map(|sums| Partial { sums }).ok_or(LOST)
    }

    /// Loads those of `wanted` that are slices not yet held.
    fn load(
        &self,
        program: &ScanProgram,
        wanted: &[Register],
        registers: &mut Registers,
        chunk: &dyn SliceSource,
        progress: &dyn Progress,
    ) -> Result<(), FheError> {
        let mut missing: Vec<Register> = wanted
            .iter()
            .copied()
            .filter(|r| (*r as usize) < program.slices.len() && !registers.is_held(*r))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        for some in missing.chunks(SLICES_AT_ONCE) {
            if progress.cancelled() {
                return Err(FheError::Cancelled);
            }
            let slices: Vec<Slice> = some.iter().map(|r| program.slices[*r as usize]).collect();
            let bytes = chunk.slices(&slices).map_err(|error| match error {
                SourceError::Cancelled => FheError::Cancelled,
                other => FheError::Source(other),
            })?;
            if bytes.len() != slices.len() {
                let what = format!("one of {} slices", slices.len());
                return Err(SourceError::Missing { what }.into());
            }
            let read: Vec<Ciphertext> = bytes
                .par_iter()
                .map(|bytes| {
                    let ciphertext = wire::read_slice(bytes, self.set)?;
                    progress.advance(1);
                    Ok(ciphertext)
                })
                .collect::<Result<_, FheError>>()?;
            some.iter().zip(read).for_each(|(register, slice)| registers.store(*register as usize, slice));
        }
        Ok(())
    }

    /// A sum, read piece by piece: a slice that only this sum uses is gone before the next are read.
    fn sum(
        &self,
        program: &ScanProgram,
        terms: &[Register],
        registers: &mut Registers,
        chunk: &dyn SliceSource,
        progress: &dyn Progress,
    ) -> Result<Ciphertext, FheError> {
        let mut sum: Option<Ciphertext> = None;
        for some in terms.chunks(SLICES_AT_ONCE) {
            self.load(program, some, registers, chunk, progress)?;
            for register in some {
                match &mut sum {
                    None => sum = registers.get(*register).cloned(),
                    Some(sum) => {
                        *sum += registers.get(*register).ok_or(LOST)?;
                        progress.advance(1);
                    }
                }
                registers.release(*register);
            }
        }
        sum.ok_or(LOST)
    }

    fn step(
        &self,
        step: &Step,
        registers: &Registers,
        progress: &dyn Progress,
    ) -> Result<Ciphertext, FheError> {
        if progress.cancelled() {
            return Err(FheError::Cancelled);
        }
        let get = |register: &Register| registers.get(*register).ok_or(LOST);
        match step {
            Step::Sum(terms) => {
                let mut terms = terms.iter();
                let mut sum = terms.next().map(get).ok_or(LOST)??.clone();
                for register in terms {
                    sum += get(register)?;
                    progress.advance(1);
                }
                Ok(sum)
            }
            Step::Subtract(a, b) => {
                let difference = get(a)? - get(b)?;
                progress.advance(1);
                Ok(difference)
            }
            Step::Multiply(a, b) => {
                let product = self.multiplicator.multiply(get(a)?, get(b)?);
                // One for the product, one for its relinearisation.
                progress.advance(2);
                product.map_err(FheError::bfv("multiplying"))
            }
            Step::Combine(_) | Step::Relinearise(_) => Err(LOST),
            Step::MultiplyRaw(a, b) => {
                let product = get(a)? * get(b)?;
                progress.advance(1);
                Ok(product)
            }
        }
    }
}

/// A register that a well-formed program has filled is empty.
const LOST: FheError = FheError::Program(bounds::BoundError::Malformed {
    step: 0,
    reason: "a register is used before it is set",
});

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
