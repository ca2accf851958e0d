//! The registers of a running program: each holds its ciphertext, and its extended form once that is
//! needed, from the first to the last use.

use sordino_protocol::program::{Register, ScanProgram, Step};

use crate::scan::ciphertext::{Ciphertext, Extended, Operand};

/// One register.
#[derive(Default)]
struct Slot {
    held: Option<Ciphertext>,
    extended: Option<Extended>,
    /// Uses to come as it is.
    uses: u32,
    /// Uses to come as a factor.
    products: u32,
    /// How many outputs it is.
    outputs: u32,
}

/// Ciphertexts by register, with the number of uses still to come.
pub(crate) struct Registers {
    slots: Vec<Slot>,
    unused: u64,
}

impl Registers {
    /// All empty. The program must be well formed.
    pub(crate) fn new(program: &ScanProgram) -> Self {
        let inputs = program.slices.len();
        let mut slots: Vec<Slot> = (0..inputs + program.steps.len()).map(|_| Slot::default()).collect();
        for step in &program.steps {
            for register in step.operands() {
                let slot = &mut slots[register as usize];
                *if is_product(step) { &mut slot.products } else { &mut slot.uses } += 1;
            }
        }
        for register in &program.outputs {
            let slot = &mut slots[*register as usize];
            slot.uses += 1;
            slot.outputs += 1;
        }
        let unused = slots[..inputs].iter().filter(|slot| !slot.is_needed()).count() as u64;
        Self { slots, unused }
    }

    /// How many slices are never used.
    pub(crate) const fn unused(&self) -> u64 {
        self.unused
    }

    /// Whether a register that will be used has its ciphertext.
    pub(crate) fn is_held(&self, register: Register) -> bool {
        let slot = &self.slots[register as usize];
        slot.held.is_some() || slot.extended.is_some()
    }

    /// Whether no step uses a register: only outputs may.
    pub(crate) fn is_only_output(&self, register: usize) -> bool {
        let slot = &self.slots[register];
        slot.products == 0 && slot.uses == slot.outputs
    }

    /// Whether a factor still has to be extended.
    pub(crate) fn lacks_extension(&self, register: Register) -> bool {
        self.slots[register as usize].extended.is_none()
    }

    /// Stores a result, unless nobody will use it.
    pub(crate) fn store(&mut self, register: usize, ciphertext: Ciphertext) {
        let slot = &mut self.slots[register];
        if slot.is_needed() {
            slot.held = Some(ciphertext);
        }
    }

    pub(crate) fn store_extension(&mut self, register: Register, extended: Extended) {
        let slot = &mut self.slots[register as usize];
        slot.extended = Some(extended);
        slot.free();
    }

    pub(crate) fn get(&self, register: Register) -> Option<&Ciphertext> {
        self.slots[register as usize].held.as_ref()
    }

    /// A factor that has been extended.
    pub(crate) fn factor(&self, register: Register) -> Option<Operand<'_>> {
        let slot = &self.slots[register as usize];
        Some(Operand { extended: slot.extended.as_ref()?, itself: slot.held.as_ref() })
    }

    /// Counts the uses of a step as done and frees what was used the last time.
    pub(crate) fn release(&mut self, step: &Step) {
        step.operands().iter().for_each(|register| self.release_one(*register, is_product(step)));
    }

    /// Counts one use as done.
    pub(crate) fn release_one(&mut self, register: Register, as_factor: bool) {
        let slot = &mut self.slots[register as usize];
        let uses = if as_factor { &mut slot.products } else { &mut slot.uses };
        *uses = uses.saturating_sub(1);
        slot.free();
    }

    /// Takes an output: moved out at its last use, copied before.
    pub(crate) fn take(&mut self, register: Register) -> Option<Ciphertext> {
        let slot = &mut self.slots[register as usize];
        slot.uses = slot.uses.saturating_sub(1);
        if slot.uses == 0 { slot.held.take() } else { slot.held.clone() }
    }
}

impl Slot {
    const fn is_needed(&self) -> bool {
        self.uses > 0 || self.products > 0
    }

    fn free(&mut self) {
        if self.products == 0 {
            self.extended = None;
        }
        let whole = self.extended.as_ref().is_some_and(Extended::is_whole);
        if self.uses == 0 && (self.products == 0 || whole) {
            self.held = None;
        }
    }
}

/// Whether the operands of a step are factors.
pub(crate) const fn is_product(step: &Step) -> bool {
    matches!(step, Step::Multiply(..) | Step::MultiplyRaw(..))
}
