//! Writing the steps of a prediction down: equal operations are one register, and what no output needs
//! is left out.

use std::collections::{BTreeMap, HashMap};

use sordino_protocol::program::{MAX_COEFFICIENT, Register, Step};

use super::{PredictError, value::Value};

/// The most steps of a program.
const MAX_STEPS: usize = 200_000;

/// Steps after so many inputs.
pub(super) struct Line {
    inputs: u32,
    modulus: u64,
    steps: Vec<Step>,
    seen: HashMap<Step, Register>,
}

impl Line {
    pub(super) fn new(inputs: usize, modulus: u64) -> Self {
        let inputs = u32::try_from(inputs).unwrap_or(u32::MAX);
        Self { inputs, modulus, steps: Vec::new(), seen: HashMap::new() }
    }

    fn push(&mut self, step: Step) -> Result<Register, PredictError> {
        if let Some(register) = self.seen.get(&step) {
            return Ok(*register);
        }
        if self.steps.len() == MAX_STEPS {
            return Err(PredictError::Steps { limit: MAX_STEPS });
        }
        let register = self.inputs + self.steps.len() as u32;
        self.seen.insert(step.clone(), register);
        self.steps.push(step);
        Ok(register)
    }

    /// Whether a register is an input, so that noise and moduli are those of slices.
    pub(super) const fn is_input(&self, register: Register) -> bool {
        register < self.inputs
    }

    /// A linear combination; nothing if all coefficients are 0 modulo t.
    pub(super) fn combine(
        &mut self,
        terms: &BTreeMap<Register, i128>,
    ) -> Result<Option<Register>, PredictError> {
        let mut reduced = Vec::with_capacity(terms.len());
        for (register, coefficient) in terms {
            let coefficient = centred(*coefficient, self.modulus);
            if coefficient.unsigned_abs() > MAX_COEFFICIENT.unsigned_abs() {
                return Err(PredictError::Model("a weight is beyond +-2^53"));
            }
            if coefficient != 0 {
                reduced.push((*register, coefficient));
            }
        }
        match reduced[..] {
            [] => Ok(None),
            [(register, 1)] => Ok(Some(register)),
            _ => self.push(Step::Combine(reduced)).map(Some),
        }
    }

    /// A value with its products relinearised, less its constant.
    pub(super) fn settle(&mut self, value: &Value) -> Result<Option<Register>, PredictError> {
        let mut linear = value.linear.clone();
        if let Some(products) = self.combine(&value.products)? {
            *linear.entry(self.push(Step::Relinearise(products))?).or_default() += 1;
        }
        self.combine(&linear)
    }

    /// The product, not relinearised.
    pub(super) fn multiply(&mut self, a: &Value, b: &Value) -> Result<Value, PredictError> {
        // (a + c)(b + d) = ab + ad + cb + cd, so that constants cost no ciphertext.
        let mut product = Value { constant: a.constant * b.constant, ..Value::default() };
        let part = |value: &Value| Value { constant: 0, ..value.clone() };
        product.add(&part(a), b.constant);
        product.add(&part(b), a.constant);
        if !a.is_constant()
            && !b.is_constant()
            && let (Some(a), Some(b)) = (self.settle(a)?, self.settle(b)?)
        {
            let register = self.push(Step::MultiplyRaw(a.min(b), a.max(b)))?;
            product.add(&Value { products: BTreeMap::from([(register, 1)]), ..Value::default() }, 1);
        }
        Ok(product)
    }

    /// A value with each product relinearised by itself, for values that are used again and again.
    pub(super) fn relinearised(&mut self, value: Value) -> Result<Value, PredictError> {
        let Value { constant, mut linear, products } = value;
        for (product, coefficient) in products {
            *linear.entry(self.push(Step::Relinearise(product))?).or_default() += coefficient;
        }
        Ok(Value { constant, linear, products: BTreeMap::new() })
    }

    /// The steps that `outputs` need, renumbered, and where the outputs are then.
    pub(super) fn finish(self, outputs: &[Option<Register>]) -> (Vec<Step>, Vec<Option<Register>>) {
        let inputs = self.inputs as usize;
        let mut needed = vec![false; inputs + self.steps.len()];
        outputs.iter().flatten().for_each(|register| needed[*register as usize] = true);
        for (index, step) in self.steps.iter().enumerate().rev() {
            if needed[inputs + index] {
                step.operands().into_iter().for_each(|operand| needed[operand as usize] = true);
            }
        }
        let mut places: Vec<Register> = (0..self.inputs).collect();
        let mut steps = Vec::new();
        for (index, step) in self.steps.into_iter().enumerate() {
            places.push(self.inputs + steps.len() as u32);
            if needed[inputs + index] {
                steps.push(moved(step, &places));
            }
        }
        let outputs = outputs.iter().map(|output| output.map(|register| places[register as usize]));
        (steps, outputs.collect())
    }
}

/// A step with its operands at their new places.
fn moved(step: Step, places: &[Register]) -> Step {
    let at = |register: Register| places[register as usize];
    match step {
        Step::Sum(operands) => Step::Sum(operands.into_iter().map(at).collect()),
        Step::Combine(terms) => Step::Combine(terms.into_iter().map(|(r, c)| (at(r), c)).collect()),
        Step::Subtract(a, b) => Step::Subtract(at(a), at(b)),
        Step::Multiply(a, b) => Step::Multiply(at(a), at(b)),
        Step::MultiplyRaw(a, b) => Step::MultiplyRaw(at(a), at(b)),
        Step::Relinearise(a) => Step::Relinearise(at(a)),
    }
}

/// The number closest to 0 that is the same modulo t.
pub(super) fn centred(value: i128, modulus: u64) -> i64 {
    let modulus = i128::from(modulus);
    let rest = value.rem_euclid(modulus);
    // Below 2^62 either way, as every plaintext modulus is.
    (if rest > modulus / 2 { rest - modulus } else { rest }) as i64
}
