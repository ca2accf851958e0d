//! The registers of a running program: each holds its ciphertext from its first to its last use.

use fhe::bfv::Ciphertext;
use sordino_protocol::program::{Register, ScanProgram, Step};

/// Ciphertexts by register, with the number of uses still to come.
pub(crate) struct Registers {
    held: Vec<Option<Ciphertext>>,
    uses: Vec<u32>,
    unused: Vec<bool>,
}

impl Registers {
    /// All empty. The program must be well formed.
    pub(crate) fn new(program: &ScanProgram) -> Self {
        let count = program.slices.len() + program.steps.len();
        let mut uses = vec![0; count];
        let operands = program.steps.iter().flat_map(operands).chain(program.outputs.iter().copied());
        operands.for_each(|register| uses[register as usize] += 1);
        let unused = uses.iter().map(|uses| *uses == 0).collect();
        Self { held: (0..count).map(|_| None).collect(), uses, unused }
    }

    /// How many of the first `count` registers are never used.
    pub(crate) fn unused(&self, count: usize) -> u64 {
        self.unused[..count].iter().filter(|unused| **unused).count() as u64
    }

    /// Whether a register that will be used has its ciphertext.
    pub(crate) fn is_held(&self, register: Register) -> bool {
        self.held[register as usize].is_some()
    }

    /// Stores a result, unless nobody will use it.
    pub(crate) fn store(&mut self, register: usize, ciphertext: Ciphertext) {
        if self.uses[register] > 0 {
            self.held[register] = Some(ciphertext);
        }
    }

    pub(crate) fn get(&self, register: Register) -> Option<&Ciphertext> {
        self.held[register as usize].as_ref()
    }

    /// Counts a use as done and frees the register after the last.
    pub(crate) fn release(&mut self, register: Register) {
        let index = register as usize;
        self.uses[index] = self.uses[index].saturating_sub(1);
        if self.uses[index] == 0 {
            self.held[index] = None;
        }
    }

    /// Takes an output: moved out at its last use, copied before.
    pub(crate) fn take(&mut self, register: Register) -> Option<Ciphertext> {
        let index = register as usize;
        self.uses[index] = self.uses[index].saturating_sub(1);
        if self.uses[index] == 0 { self.held[index].take() } else { self.held[index].clone() }
    }
}

/// The operands of a step.
pub(crate) fn operands(step: &Step) -> Vec<Register> {
    match step {
        Step::Sum(operands) => operands.clone(),
        Step::Combine(terms) => terms.iter().map(|(register, _)| *register).collect(),
        Step::Relinearise(register) => vec![*register],
        Step::Subtract(a, b) | Step::Multiply(a, b) | Step::MultiplyRaw(a, b) => vec![*a, *b],
    }
}
