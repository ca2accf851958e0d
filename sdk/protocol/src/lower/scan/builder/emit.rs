//! Writing a built program down: where products are relinearised.
//!
//! A product has degree 2, and to be a factor again it must be relinearised, which costs more than the
//! product. Sums of products are added at degree 2 and relinearised once; what is only summed over
//! the slots is not relinearised here at all, but once for all chunks.

use super::{Builder, Node, Operation};
use crate::{
    layout::Slice,
    program::{Register, Step},
};

/// A finished program without its meaning.
pub(in super::super) struct Line {
    pub(in super::super) slices: Vec<Slice>,
    pub(in super::super) steps: Vec<Step>,
    pub(in super::super) outputs: Vec<Register>,
}

/// In which forms the result of an operation is needed.
#[derive(Debug, Clone, Copy, Default)]
struct Need {
    /// At degree 1.
    linear: bool,
    /// At degree 2.
    raw: bool,
    /// Summed over the slots, in either form.
    output: bool,
}

/// The registers that hold the result of an operation.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    linear: Option<Register>,
    raw: Option<Register>,
}

impl Builder {
    /// Writes down what `outputs` need.
    pub(in super::super) fn finish(self, outputs: &[Node]) -> Line {
        let products = self.products();
        let needs = self.needs(outputs, &products);
        let mut writer = Writer { steps: Vec::new(), places: vec![Place::default(); needs.len()], next: 0 };
        let mut loads: Vec<(Slice, Node)> = Vec::new();
        for (node, operation) in self.operations.iter().enumerate() {
            if let (Operation::Load(slice), true) = (operation, needs[node].linear) {
                loads.push((*slice, node));
            }
        }
        loads.sort_unstable();
        for (_, node) in &loads {
            writer.places[*node].linear = Some(writer.next);
            writer.next += 1;
        }
        for (node, operation) in self.operations.iter().enumerate() {
            writer.write(node, operation, needs[node]);
        }
        let register = |node: &Node| writer.places[*node].linear.or(writer.places[*node].raw).unwrap_or(0);
        Line {
            slices: loads.into_iter().map(|(slice, _)| slice).collect(),
            outputs: outputs.iter().map(register).collect(),
            steps: writer.steps,
        }
    }

    /// Which operations can have a result of degree 2: products, and sums of nothing else.
    fn products(&self) -> Vec<bool> {
        let mut products: Vec<bool> = Vec::with_capacity(self.operations.len());
        for operation in &self.operations {
            products.push(match operation {
                Operation::Load(_) | Operation::Subtract(..) => false,
                Operation::Multiply(..) => true,
                Operation::Sum(nodes) => nodes.iter().all(|node| products[*node]),
                Operation::Combine(terms) => terms.iter().all(|(node, _)| products[*node]),
            });
        }
        products
    }

    /// From the outputs back to the slices: who needs what.
    fn needs(&self, outputs: &[Node], products: &[bool]) -> Vec<Need> {
        let mut needs = vec![Need::default(); self.operations.len()];
        outputs.iter().for_each(|node| needs[*node].output = true);
        for (node, operation) in self.operations.iter().enumerate().rev() {
            // An output is relinearised after the sum over all chunks, unless a factor must be anyway.
            if needs[node].output && !needs[node].linear && !needs[node].raw {
                needs[node].raw = products[node];
                needs[node].linear = !products[node];
            }
            let need = needs[node];
            if !need.linear && !need.raw {
                continue;
            }
            let sum = matches!(operation, Operation::Sum(_) | Operation::Combine(_));
            let mut raw = sum && products[node];
            if raw && !need.raw {
                // Relinearising the sum must save more than it costs.
                let mut saved = 0;
                operation.operands(|operand| saved += usize::from(!needs[operand].linear));
                raw = saved > 1;
            }
            if raw {
                needs[node].raw = true;
            }
            operation.operands(|operand| {
                if raw {
                    needs[operand].raw = true;
                } else {
                    needs[operand].linear = true;
                }
            });
        }
        needs
    }
}

struct Writer {
    steps: Vec<Step>,
    places: Vec<Place>,
    next: Register,
}

impl Writer {
    fn push(&mut self, step: Step) -> Register {
        self.steps.push(step);
        self.next += 1;
        self.next - 1
    }

    fn linear(&self, node: Node) -> Register {
        self.places[node].linear.unwrap_or(Register::MAX)
    }

    fn raw(&self, node: Node) -> Register {
        self.places[node].raw.unwrap_or(Register::MAX)
    }

    fn write(&mut self, node: Node, operation: &Operation, need: Need) {
        if matches!(operation, Operation::Load(_)) || !(need.linear || need.raw) {
            return;
        }
        let of = |writer: &Self, operand: Node| {
            if need.raw { writer.raw(operand) } else { writer.linear(operand) }
        };
        let step = match operation {
            Operation::Load(_) => return,
            Operation::Sum(nodes) => {
                let mut operands: Vec<_> = nodes.iter().map(|operand| of(self, *operand)).collect();
                operands.sort_unstable();
                Step::Sum(operands)
            }
            Operation::Combine(terms) => {
                let mut operands: Vec<_> =
                    terms.iter().map(|(operand, factor)| (of(self, *operand), *factor)).collect();
                operands.sort_unstable();
                Step::Combine(operands)
            }
            Operation::Subtract(a, b) => Step::Subtract(self.linear(*a), self.linear(*b)),
            Operation::Multiply(a, b) => {
                let (a, b) = (self.linear(*a), self.linear(*b));
                let (a, b) = (a.min(b), a.max(b));
                if need.raw { Step::MultiplyRaw(a, b) } else { Step::Multiply(a, b) }
            }
        };
        let register = self.push(step);
        if need.raw {
            self.places[node].raw = Some(register);
            if need.linear {
                self.places[node].linear = Some(self.push(Step::Relinearise(register)));
            }
        } else {
            self.places[node].linear = Some(register);
        }
    }
}
