//! Whether a scan program is well formed, and what each register is: a slice or a sum of slices, a
//! product, or a product that is not relinearised.

use crate::{
    bounds::BoundError,
    program::{MAX_COEFFICIENT, Register, ScanProgram, Step},
};

/// Checks that a program is well formed and gives the number of polynomials of each register, less
/// one: 1 for a slice, 2 for a product that is not relinearised.
///
/// # Errors
/// When a register is used before it is set, operands do not match, or there is no output.
pub fn degrees(program: &ScanProgram) -> Result<Vec<u8>, BoundError> {
    let mut degrees = vec![1u8; program.slices.len()];
    for (step, operation) in program.steps.iter().enumerate() {
        let degree = degree(operation, &degrees).map_err(|reason| BoundError::Malformed { step, reason })?;
        degrees.push(degree);
    }
    let outputs = |reason| BoundError::Malformed { step: program.steps.len(), reason };
    if program.outputs.iter().any(|register| *register as usize >= degrees.len()) {
        return Err(outputs("an output is no register"));
    }
    if program.outputs.is_empty() {
        return Err(outputs("there is no output"));
    }
    Ok(degrees)
}

/// The degree of a step's result, or what is wrong with it.
fn degree(step: &Step, degrees: &[u8]) -> Result<u8, &'static str> {
    let degree = |register: &Register| {
        degrees.get(*register as usize).copied().ok_or("an operand is not an earlier register")
    };
    let alike = |operands: &[Register], otherwise| {
        let first = operands.first().map_or(Err("no operands"), degree)?;
        for operand in operands {
            if degree(operand)? != first {
                return Err(otherwise);
            }
        }
        Ok(first)
    };
    match step {
        Step::Sum(operands) if operands.len() < 2 => Err("a sum of one"),
        Step::Sum(operands) => alike(operands, "operands of different degrees are added"),
        Step::Subtract(a, b) => alike(&[*a, *b], "operands of different degrees are subtracted"),
        Step::Combine(terms) => {
            let allowed =
                |coefficient: i64| coefficient != 0 && coefficient.abs_diff(0) <= MAX_COEFFICIENT as u64;
            if !terms.iter().all(|(_, coefficient)| allowed(*coefficient)) {
                return Err("a coefficient is 0 or too large");
            }
            alike(&step.operands(), "operands of different degrees are combined")
        }
        Step::Multiply(a, b) | Step::MultiplyRaw(a, b) => {
            if (degree(a)?, degree(b)?) != (1, 1) {
                return Err("a product that is not relinearised is multiplied");
            }
            Ok(if matches!(step, Step::Multiply(..)) { 1 } else { 2 })
        }
        Step::Relinearise(a) => match degree(a)? {
            2 => Ok(1),
            _ => Err("what is no product is relinearised"),
        },
    }
}

/// The multiplicative depth of each register of a well-formed program.
pub fn depths(program: &ScanProgram) -> Vec<u32> {
    let mut depths = vec![0u32; program.slices.len()];
    for step in &program.steps {
        let deepest = step.operands().iter().map(|register| depths[*register as usize]).max().unwrap_or(0);
        let product = matches!(step, Step::Multiply(..) | Step::MultiplyRaw(..));
        depths.push(deepest + u32::from(product));
    }
    depths
}
