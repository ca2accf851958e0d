//! One program on one chunk.

use std::collections::BTreeSet;

use rayon::prelude::*;
use sordino_protocol::{
    bounds::BoundError,
    layout::Slice,
    parameters::ParameterSet,
    program::{Register, ScanProgram, Step},
};

use crate::{
    error::{FheError, SourceError},
    progress::Progress,
    scan::{
        RelinearisationKey, SliceSource,
        ciphertext::{Ciphertext, Combination, Extended, product},
        registers::{Registers, is_product},
        tables::Tables,
        wire,
    },
};

/// Slices read and added at a time, so that a sum over many never holds them all.
const SLICES_AT_ONCE: usize = 16;

/// A program with all it needs.
pub(crate) struct Run<'a> {
    pub(crate) set: ParameterSet,
    pub(crate) key: &'a RelinearisationKey,
    pub(crate) tables: &'a Tables,
    pub(crate) program: &'a ScanProgram,
    /// Whether outputs are finished as soon as they are computed.
    pub(crate) early: bool,
    pub(crate) chunk: &'a dyn SliceSource,
    pub(crate) progress: &'a dyn Progress,
}

impl Run<'_> {
    /// Runs the steps in order; neighbouring steps that do not depend on each other run together.
    pub(crate) fn all(&self) -> Result<Vec<Ciphertext>, FheError> {
        let (inputs, steps) = (self.program.slices.len(), &self.program.steps);
        let mut registers = Registers::new(self.program);
        let width = rayon::current_num_threads().max(1);
        let mut next = 0;
        while next < steps.len() {
            let ready = steps[next..]
                .iter()
                .take(width)
                .take_while(|step| step.operands().iter().all(|r| (*r as usize) < inputs + next))
                .count()
                .max(1);
            match &steps[next..next + ready] {
                [Step::Sum(terms)] => {
                    let terms: Vec<_> = terms.iter().map(|register| (*register, 1)).collect();
                    let sum = self.combine_piecewise(&terms, terms.len() - 1, &mut registers)?;
                    registers.store(inputs + next, self.settled(inputs + next, sum, &registers));
                }
                [Step::Combine(terms)] => {
                    let sum = self.combine_piecewise(terms, terms.len(), &mut registers)?;
                    registers.store(inputs + next, self.settled(inputs + next, sum, &registers));
                }
                together => {
                    let results = self.together(together, inputs + next, &mut registers)?;
                    for (offset, result) in results.into_iter().enumerate() {
                        registers.store(inputs + next + offset, result);
                    }
                }
            }
            next += ready;
        }
        self.load(&self.program.outputs, &mut registers)?;
        // Slices that nothing uses are not read, but were counted.
        self.progress.advance(registers.unused());
        let sums = self.program.outputs.iter().map(|register| registers.take(*register));
        let sums: Vec<Ciphertext> = sums.collect::<Option<_>>().ok_or(LOST)?;
        if !self.early {
            return Ok(sums);
        }
        Ok(sums.into_par_iter().map(|sum| self.finished(sum)).collect())
    }

    /// A result as it is kept: finished, if nothing but the outputs needs it and that is to be done early.
    fn settled(&self, register: usize, result: Ciphertext, registers: &Registers) -> Ciphertext {
        if self.early && registers.is_only_output(register) { self.finished(result) } else { result }
    }

    fn finished(&self, sum: Ciphertext) -> Ciphertext {
        if matches!(sum, Ciphertext::Finished(_)) {
            return sum;
        }
        let total = self.key.finish(&sum, self.tables);
        self.progress.advance(1);
        Ciphertext::Finished([total.body, total.mask])
    }

    /// Runs steps that do not depend on each other.
    fn together(
        &self,
        steps: &[Step],
        first: usize,
        registers: &mut Registers,
    ) -> Result<Vec<Ciphertext>, FheError> {
        let wanted: Vec<Register> = steps.iter().flat_map(Step::operands).collect();
        self.load(&wanted, registers)?;
        let factors: BTreeSet<Register> =
            steps.iter().filter(|step| is_product(step)).flat_map(Step::operands).collect();
        self.extend(factors, registers)?;
        let run = |(offset, step): (usize, &Step)| {
            let result = self.step(step, registers)?;
            Ok(self.settled(first + offset, result, registers))
        };
        let results: Vec<Ciphertext> =
            steps.par_iter().enumerate().map(run).collect::<Result<_, FheError>>()?;
        steps.iter().for_each(|step| registers.release(step));
        Ok(results)
    }

    /// Loads those of `wanted` that are slices not yet held.
    fn load(&self, wanted: &[Register], registers: &mut Registers) -> Result<(), FheError> {
        let slices = &self.program.slices;
        let mut missing: Vec<Register> = wanted
            .iter()
            .copied()
            .filter(|r| (*r as usize) < slices.len() && !registers.is_held(*r))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        for some in missing.chunks(SLICES_AT_ONCE) {
            self.go_on()?;
            let wanted: Vec<Slice> = some.iter().map(|r| slices[*r as usize]).collect();
            let bytes = self.chunk.slices(&wanted).map_err(|error| match error {
                SourceError::Cancelled => FheError::Cancelled,
                other => FheError::Source(other),
            })?;
            if bytes.len() != wanted.len() {
                let what = format!("one of {} slices", wanted.len());
                return Err(SourceError::Missing { what }.into());
            }
            let read = |bytes| {
                let ciphertext = wire::read_slice(bytes, self.set)?;
                self.progress.advance(1);
                Ok(ciphertext)
            };
            let read: Vec<Ciphertext> =
                bytes.par_iter().map(|bytes| read(bytes)).collect::<Result<_, FheError>>()?;
            some.iter().zip(read).for_each(|(register, slice)| registers.store(*register as usize, slice));
        }
        Ok(())
    }

    /// Extends factors that are not yet; each once a chunk.
    fn extend(&self, factors: BTreeSet<Register>, registers: &mut Registers) -> Result<(), FheError> {
        let missing: Vec<Register> =
            factors.into_iter().filter(|register| registers.lacks_extension(*register)).collect();
        let extend = |register: &Register| {
            self.go_on()?;
            let extended = Extended::of(registers.get(*register).ok_or(LOST)?, self.tables);
            self.progress.advance(1);
            extended.ok_or(LOST)
        };
        let extended: Vec<Extended> = missing.par_iter().map(extend).collect::<Result<_, FheError>>()?;
        missing.iter().zip(extended).for_each(|(r, extended)| registers.store_extension(*r, extended));
        Ok(())
    }

    /// A linear combination, read piece by piece: a slice that nothing else uses is gone before the next
    /// are read. It counts as so many additions.
    fn combine_piecewise(
        &self,
        terms: &[(Register, i64)],
        additions: usize,
        registers: &mut Registers,
    ) -> Result<Ciphertext, FheError> {
        let mut sum = Combination::default();
        for some in terms.chunks(SLICES_AT_ONCE) {
            let wanted: Vec<Register> = some.iter().map(|(register, _)| *register).collect();
            self.load(&wanted, registers)?;
            for (register, coefficient) in some {
                sum.add(registers.get(*register).ok_or(LOST)?, *coefficient, self.tables);
                registers.release_one(*register, false);
            }
        }
        self.finish(sum, additions)
    }

    fn combine(
        &self,
        terms: impl Iterator<Item = (Register, i64)>,
        additions: usize,
        registers: &Registers,
    ) -> Result<Ciphertext, FheError> {
        let mut sum = Combination::default();
        for (register, coefficient) in terms {
            sum.add(registers.get(register).ok_or(LOST)?, coefficient, self.tables);
        }
        self.finish(sum, additions)
    }

    fn finish(&self, sum: Combination, additions: usize) -> Result<Ciphertext, FheError> {
        let (sum, lowered) = sum.finish(self.tables).ok_or(LOST)?;
        self.progress.advance(additions as u64 + u64::from(lowered));
        Ok(sum)
    }

    fn step(&self, step: &Step, registers: &Registers) -> Result<Ciphertext, FheError> {
        self.go_on()?;
        match step {
            Step::Sum(terms) => self.combine(terms.iter().map(|r| (*r, 1)), terms.len() - 1, registers),
            Step::Subtract(a, b) => self.combine([(*a, 1), (*b, -1)].into_iter(), 1, registers),
            Step::Combine(terms) => self.combine(terms.iter().copied(), terms.len(), registers),
            Step::Multiply(a, b) => {
                let product = self.product(*a, *b, registers)?;
                self.relinearise(&product)
            }
            Step::MultiplyRaw(a, b) => self.product(*a, *b, registers),
            Step::Relinearise(a) => self.relinearise(registers.get(*a).ok_or(LOST)?),
        }
    }

    fn product(&self, a: Register, b: Register, registers: &Registers) -> Result<Ciphertext, FheError> {
        let factor = |register| registers.factor(register).ok_or(LOST);
        let product = product(factor(a)?, factor(b)?, self.tables);
        self.progress.advance(1);
        Ok(product)
    }

    fn relinearise(&self, products: &Ciphertext) -> Result<Ciphertext, FheError> {
        let Ciphertext::Products(products) = products else { return Err(LOST) };
        let result = self.key.relinearise(products, self.tables);
        self.progress.advance(1);
        Ok(result)
    }

    fn go_on(&self) -> Result<(), FheError> {
        if self.progress.cancelled() { Err(FheError::Cancelled) } else { Ok(()) }
    }
}

/// A register that a well-formed program has filled is empty.
const LOST: FheError =
    FheError::Program(BoundError::Malformed { step: 0, reason: "a register is used before it is set" });
