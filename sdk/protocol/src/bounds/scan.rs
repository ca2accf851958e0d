//! The noise of a scan program, bounded before it runs.
//!
//! A ciphertext of m decrypts as `(q/t) m + e`, correctly while every coefficient of the noise e is
//! below `q / 2t`. We follow the *variance* of a coefficient of e through every step, as in the
//! average-case analyses of BFV (Costache, Curtis, Hales, Murphy, Ogilvie, Player: *On the precision
//! loss in approximate homomorphic encryption*, 2022; Biasioli, Marcolla, Calderini, Mono: *Improving
//! and automating BFV parameters selection: an average-case approach*, 2023). With N coefficients,
//! variance v of secret and noise, moduli q_i:
//!
//! - fresh: `v` (and at most 1 for rounding `(q/t) m`);
//! - a sum: variances add for slices, which are independent; for anything else deviations add, as if
//!   the terms were the same;
//! - product: `e1 M2 + e2 M1 + (t/q) e1 e2` and the rounding of three polynomials, where
//!   `M = t (c0 + c1 s) / q` has variance `t^2 (1 + N v) / 12`, because a ciphertext is uniform. An e
//!   that holds the secret to the power k already, times another s, has (k+1) times the product of the
//!   variances (the k-th moment of an exponential variable is k!);
//! - relinearisation with `l` moduli: `l q_i^2 N v / 3`, the digits lying in
//!   `0..q_i`. Their mean meets the same key error in every chunk, so across chunks deviations add;
//!   of everything else the variances add;
//! - switching down by q_i: divided by q_i^2, and `(1 + N v) / 12` for rounding;
//! - the sum over the slots adds nothing: it is N times coefficient 0 of the plaintext polynomial,
//!   multiplied after decryption.
//!
//! The bound is [`TAIL`] deviations. For a normal variable that is exceeded with probability below
//! 2^-90, so below 2^-64 over all coefficients (2^14), outputs (2^10) and still some; like every
//! average-case analysis it is a heuristic, and `sdk/fhe` compares it with measured noise.
//!
//! Platform and gate must agree on accepting or refusing a program. Floating-point addition,
//! multiplication, division and square root are exact to the bit by IEEE 754; only `log2` may differ
//! in the last place between machines, far below the margin of a bit.

use crate::{
    bounds::BoundError,
    parameters::{ParameterSet, ScanParameters},
    program::{ScanProgram, Step},
};

/// Standard deviations that a bound covers.
const TAIL: f64 = 11.0;
/// Bits kept free between the bound and the budget.
const MARGIN_BITS: f64 = 0.5;

/// Variances stop growing here, far beyond every budget, so that no formula overflows to infinity.
const CEILING: f64 = 1e250;

/// What is known of a program's noise before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanNoise {
    /// Bits that no coefficient of the noise exceeds, where the distance to the budget is smallest.
    pub noise_bits: u32,
    /// Bits of noise that still decrypt there.
    pub budget_bits: u32,
    /// Multiplicative depth.
    pub depth: u32,
}

/// Checks that a program is well formed and gives the number of polynomials of each register, less
/// one: 1 for a slice, 2 for a product that is not relinearised.
///
/// # Errors
/// When a register is used before it is set, operands do not match, or the outputs are not a whole
/// number of groups.
pub fn degrees(program: &ScanProgram) -> Result<Vec<u8>, BoundError> {
    let mut degrees = vec![1u8; program.slices.len()];
    for (step, operation) in program.steps.iter().enumerate() {
        let malformed = |reason| BoundError::Malformed { step, reason };
        let degree = |register: &u32| {
            let missing = malformed("an operand is not an earlier register");
            degrees.get(*register as usize).copied().ok_or(missing)
        };
        let linear = |register: &u32| match degree(register)? {
            1 => Ok(()),
            _ => Err(malformed("a product that is not relinearised is multiplied")),
        };
        let result = match operation {
            Step::Sum(operands) => {
                let (first, rest) = operands
                    .split_first()
                    .filter(|(_, rest)| !rest.is_empty())
                    .ok_or(malformed("a sum of one"))?;
                let first = degree(first)?;
                for operand in rest {
                    if degree(operand)? != first {
                        return Err(malformed("operands of different degrees are added"));
                    }
                }
                first
            }
            Step::Subtract(a, b) => {
                let minuend = degree(a)?;
                if degree(b)? != minuend {
                    return Err(malformed("operands of different degrees are subtracted"));
                }
                minuend
            }
            Step::Multiply(a, b) => {
                linear(a).and(linear(b))?;
                1
            }
            Step::MultiplyRaw(a, b) => {
                linear(a).and(linear(b))?;
                2
            }
            Step::Combine(operands) => {
                let (first, rest) = operands.split_first().ok_or(malformed("a combination of nothing"))?;
                let first = degree(&first.0)?;
                for (operand, _) in rest {
                    if degree(operand)? != first {
                        return Err(malformed("operands of different degrees are combined"));
                    }
                }
                first
            }
            Step::Relinearise(a) => match degree(a)? {
                2 => 1,
                _ => return Err(malformed("a register of degree 1 is relinearised")),
            },
        };
        degrees.push(result);
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

/// The noise of one register.
#[derive(Debug, Clone, Copy)]
struct Noise {
    /// Variance of the part that is independent from chunk to chunk.
    free: f64,
    /// Variance of the part that may be the same in every chunk: key switching.
    keyed: f64,
    /// The highest power of the secret in it.
    power: u32,
    /// Multiplicative depth.
    depth: u32,
}

impl Noise {
    fn variance(self) -> f64 {
        self.free + self.keyed
    }

    fn scaled(self, factor: f64) -> Self {
        Self { free: self.free * factor, keyed: self.keyed * factor, ..self }
    }

    /// The noise of a sum whose terms may be the same: deviations add.
    fn plus(self, other: Self) -> Self {
        let together = |a: f64, b: f64| (a + b + 2.0 * a.sqrt() * b.sqrt()).min(CEILING);
        Self {
            free: together(self.free, other.free),
            keyed: together(self.keyed, other.keyed),
            power: self.power.max(other.power),
            depth: self.depth.max(other.depth),
        }
    }
}

/// The numbers of a parameter set that the formulas need.
struct Model {
    set: ParameterSet,
    numbers: &'static ScanParameters,
    degree: f64,
    variance: f64,
    plaintext: f64,
    modulus: f64,
}

impl Model {
    fn of(program: &ScanProgram) -> Result<Self, BoundError> {
        let set = program.parameter_set;
        let not_scan = BoundError::Malformed { step: 0, reason: "its parameter set is not a scan set" };
        let numbers = set.scan().ok_or(not_scan)?;
        Ok(Self {
            set,
            numbers,
            degree: numbers.degree as f64,
            variance: numbers.variance as f64,
            plaintext: numbers.plaintext_modulus as f64,
            modulus: numbers.moduli.iter().map(|q| *q as f64).product(),
        })
    }

    fn fresh(&self) -> Noise {
        Noise { free: self.variance + 1.0, keyed: 0.0, power: 0, depth: 0 }
    }

    fn product(&self, a: Noise, b: Noise) -> Noise {
        let (n, v, t) = (self.degree, self.variance, self.plaintext);
        let uniform = t * t * (1.0 + n * v) / 12.0;
        let cross = |e: Noise| f64::from(e.power + 1) * n * e.variance() * uniform;
        // The product of two noises: n V1 V2 (t/q)^2, doubled for every power of the secret.
        let small = (t / self.modulus).powi(2) * n * a.variance() * b.variance();
        let small = small * 2f64.powi((a.power + b.power).cast_signed());
        let rounding = (1.0 + n * v + 2.0 * n * n * v * v) / 12.0;
        // If both operands hold the same noise their products add as deviations do.
        let crossed = cross(a) + cross(b) + 2.0 * cross(a).sqrt() * cross(b).sqrt();
        Noise {
            free: (crossed + small + rounding).min(CEILING),
            keyed: 0.0,
            power: (a.power.max(b.power) + 1).max(2),
            depth: a.depth.max(b.depth) + 1,
        }
    }

    /// What one key switch adds.
    fn key_switch(&self) -> f64 {
        let digits: f64 = self.numbers.moduli.iter().map(|q| (*q as f64).powi(2) / 3.0).sum();
        digits * self.degree * self.variance
    }

    fn relinearised(&self, noise: Noise) -> Noise {
        Noise { keyed: noise.keyed + self.key_switch(), ..noise }
    }

    /// The noise of an output after the sum over chunks, at the narrowest of the places it passes.
    fn finished(&self, output: Noise, degree: u8, chunks: f64) -> ScanNoise {
        let merged = Noise { free: output.free * chunks, keyed: output.keyed * chunks * chunks, ..output };
        let before = if degree == 2 { self.relinearised(merged) } else { merged };
        let level = self.numbers.finish_level;
        let mut variance = before.variance();
        for q in self.numbers.moduli.iter().rev().take(level) {
            variance = variance / (*q as f64).powi(2) + (1.0 + self.degree * self.variance) / 12.0;
        }
        let late = self.at(variance, level, output.depth);
        self.at(before.variance(), 0, output.depth).narrower(late)
    }

    fn at(&self, variance: f64, level: usize, depth: u32) -> ScanNoise {
        let moduli = &self.numbers.moduli[..self.numbers.moduli.len() - level];
        let modulus_bits: f64 = moduli.iter().map(|q| (*q as f64).log2()).sum();
        let noise = TAIL.log2() + variance.log2() / 2.0;
        let budget = modulus_bits - self.plaintext.log2() - 1.0 - MARGIN_BITS;
        ScanNoise { noise_bits: noise.max(0.0).ceil() as u32, budget_bits: budget.max(0.0) as u32, depth }
    }

    fn check(&self, noise: ScanNoise) -> Result<ScanNoise, BoundError> {
        let ScanNoise { noise_bits, budget_bits, depth } = noise;
        if noise.room() < 0 {
            return Err(BoundError::Noise { set: self.set, noise_bits, budget_bits, depth });
        }
        Ok(noise)
    }
}

impl ScanNoise {
    fn room(self) -> i64 {
        i64::from(self.budget_bits) - i64::from(self.noise_bits)
    }

    fn narrower(self, other: Self) -> Self {
        let narrow = if other.room() < self.room() { other } else { self };
        Self { depth: self.depth.max(other.depth), ..narrow }
    }
}

/// Checks a program over so many chunks against the noise its parameter set bears: in every
/// register, and after switching down, where too few moduli would destroy the plaintext silently.
///
/// # Errors
/// When it is not well formed or could exceed the noise budget.
pub fn scan_noise(program: &ScanProgram, chunks: u64) -> Result<ScanNoise, BoundError> {
    let model = Model::of(program)?;
    let degrees = degrees(program)?;
    let noises = registers(&model, program);
    let mut narrowest = model.at(model.fresh().variance(), 0, 0);
    for noise in &noises {
        narrowest = narrowest.narrower(model.check(model.at(noise.variance(), 0, noise.depth))?);
    }
    for register in &program.outputs {
        let (noise, degree) = (noises[*register as usize], degrees[*register as usize]);
        let finished = model.finished(noise, degree, chunks.max(1) as f64);
        narrowest = narrowest.narrower(model.check(finished)?);
    }
    Ok(narrowest)
}

/// Bits that no coefficient of the noise of each register exceeds, in one chunk.
///
/// # Errors
/// When the program is not well formed.
pub fn register_noise(program: &ScanProgram) -> Result<Vec<u32>, BoundError> {
    let model = Model::of(program)?;
    degrees(program)?;
    let bits = |noise: &Noise| model.at(noise.variance(), 0, noise.depth).noise_bits;
    Ok(registers(&model, program).iter().map(bits).collect())
}

/// The noise of every register of a well-formed program.
fn registers(model: &Model, program: &ScanProgram) -> Vec<Noise> {
    let slices = program.slices.len();
    let mut noises = vec![model.fresh(); slices];
    for step in &program.steps {
        let at = |register: &u32| noises[*register as usize];
        let noise = match step {
            Step::Sum(operands) => sum(model, operands, slices, at),
            Step::Subtract(a, b) => at(a).plus(at(b)),
            Step::Multiply(a, b) => model.relinearised(model.product(at(a), at(b))),
            Step::MultiplyRaw(a, b) => model.product(at(a), at(b)),
            Step::Combine(operands) => operands
                .iter()
                .map(|(register, factor)| at(register).scaled((*factor as f64).powi(2)))
                .reduce(Noise::plus)
                .unwrap_or_else(|| model.fresh()),
            Step::Relinearise(a) => model.relinearised(at(a)),
        };
        noises.push(noise);
    }
    noises
}

fn sum(model: &Model, operands: &[u32], slices: usize, at: impl Fn(&u32) -> Noise) -> Noise {
    let mut distinct: Vec<u32> = operands.iter().copied().filter(|r| (*r as usize) < slices).collect();
    distinct.sort_unstable();
    let fresh = distinct.len();
    distinct.dedup();
    let slices_once = distinct.len() == fresh;
    let of_slices = match fresh {
        0 => None,
        _ if slices_once => Some(model.fresh().scaled(fresh as f64)),
        _ => Some(model.fresh().scaled((fresh * fresh) as f64)),
    };
    let others = operands.iter().filter(|r| (**r as usize) >= slices).map(at);
    of_slices.into_iter().chain(others).reduce(Noise::plus).unwrap_or_else(|| model.fresh())
}
