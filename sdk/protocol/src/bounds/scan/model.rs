//! The formulas of the noise of one parameter set, computing products in some of its moduli.

use crate::{
    bounds::{BoundError, scan::ScanNoise},
    parameters::{ParameterSet, ScanParameters},
    program::ScanProgram,
};

/// Standard deviations that a bound covers.
const TAIL: f64 = 11.0;
/// Bits kept free between the bound and the budget.
const MARGIN_BITS: f64 = 0.5;

/// Variances stop growing here, far beyond every budget, so that no formula overflows to infinity.
const CEILING: f64 = 1e250;

/// Bits that a noise of some variance stays below.
pub(super) fn bits(variance: f64) -> f64 {
    TAIL.log2() + variance.log2() / 2.0
}

/// The noise of one register.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    /// Variance of the part that is independent from chunk to chunk.
    free: f64,
    /// Variance of the part that may be the same in every chunk: key switching.
    keyed: f64,
    /// The highest power of the secret in it.
    power: u32,
    /// Multiplicative depth.
    pub(super) depth: u32,
}

impl Noise {
    fn variance(self) -> f64 {
        self.free + self.keyed
    }

    /// The variance times a factor.
    pub(super) fn scaled(self, factor: f64) -> Self {
        let scale = |variance: f64| (variance * factor).min(CEILING);
        Self { free: scale(self.free), keyed: scale(self.keyed), ..self }
    }

    /// The noise of a sum whose terms may be the same: deviations add.
    pub(super) fn plus(self, other: Self) -> Self {
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
pub(super) struct Model {
    set: ParameterSet,
    pub(super) numbers: &'static ScanParameters,
    /// Moduli of the working basis.
    pub(super) working: usize,
    degree: f64,
    variance: f64,
    plaintext: f64,
}

impl Model {
    pub(super) fn of(program: &ScanProgram, working: usize) -> Result<Self, BoundError> {
        let set = program.parameter_set;
        let not_scan = BoundError::Malformed { step: 0, reason: "its parameter set is not a scan set" };
        let numbers = set.bfv().ok_or(not_scan)?;
        Ok(Self {
            set,
            numbers,
            working,
            degree: numbers.degree as f64,
            variance: numbers.variance as f64,
            plaintext: numbers.plaintext_modulus as f64,
        })
    }

    /// Moduli that a register of degree 1 has.
    pub(super) fn moduli(&self, depth: u32) -> usize {
        if depth == 0 { self.numbers.moduli.len() } else { self.working }
    }

    pub(super) fn fresh(&self) -> Noise {
        Noise { free: self.variance + 1.0, keyed: 0.0, power: 0, depth: 0 }
    }

    /// Of an encryption of 0 under a public key: `u e + e2 s + e1`, all of them small.
    pub(super) fn zero(&self) -> Noise {
        let (n, v) = (self.degree, self.variance);
        Noise { free: v + 2.0 * n * v * v, ..self.fresh() }
    }

    /// Of rounding a ciphertext of two polynomials.
    pub(super) fn rounding(&self) -> f64 {
        (1.0 + self.degree * self.variance) / 12.0
    }

    /// Of rounding a product, which has a third.
    fn rounding_of_product(&self) -> f64 {
        let (n, v) = (self.degree, self.variance);
        (1.0 + n * v + 2.0 * n * n * v * v) / 12.0
    }

    /// Variances after dividing by all moduli but the first `to` of `from`.
    fn divided(&self, variance: f64, from: usize, to: usize) -> f64 {
        let divide = |variance: f64, q: &u64| variance / (*q as f64).powi(2);
        self.numbers.moduli[to..from].iter().rev().fold(variance, divide)
    }

    /// A register as it is in the working basis.
    pub(super) fn lowered(&self, noise: Noise) -> Noise {
        let (from, to) = (self.moduli(noise.depth), self.working);
        if from == to {
            return noise;
        }
        Noise {
            free: self.divided(noise.free, from, to) + self.rounding(),
            keyed: self.divided(noise.keyed, from, to),
            ..noise
        }
    }

    pub(super) fn product(&self, a: Noise, b: Noise) -> Noise {
        let (a, b) = (self.lowered(a), self.lowered(b));
        let (n, v, t) = (self.degree, self.variance, self.plaintext);
        let uniform = t * t * (1.0 + n * v) / 12.0;
        let cross = |e: Noise| f64::from(e.power + 1) * n * e.variance() * uniform;
        // The product of two noises: n V1 V2 (t/q)^2, doubled for every power of the secret.
        let modulus: f64 = self.numbers.moduli[..self.working].iter().map(|q| *q as f64).product();
        let small = (t / modulus).powi(2) * n * a.variance() * b.variance();
        let small = small * 2f64.powi((a.power + b.power).cast_signed());
        // If both operands hold the same noise their products add as deviations do.
        let crossed = cross(a) + cross(b) + 2.0 * cross(a).sqrt() * cross(b).sqrt();
        Noise {
            free: (crossed + small).min(CEILING),
            keyed: 0.0,
            power: (a.power.max(b.power) + 1).max(2),
            depth: a.depth.max(b.depth) + 1,
        }
    }

    /// What one key switch adds in so many moduli.
    fn key_switch(&self, moduli: usize) -> f64 {
        let digits = self.numbers.moduli[..moduli].iter().map(|q| (*q as f64).powi(2) / 3.0);
        digits.sum::<f64>() * self.degree * self.variance
    }

    /// After one more key switch in all moduli, as a rotation takes it.
    pub(super) fn switched(&self, noise: Noise) -> Noise {
        let keyed = self.key_switch(self.numbers.moduli.len());
        noise.plus(Noise { free: 0.0, keyed, power: 0, depth: 0 })
    }

    /// The factor of the variance that a product with a vector of plaintext slots has: a polynomial of
    /// coefficients up to t/2, as if they were uniform.
    pub(super) fn vector(&self) -> f64 {
        self.plaintext * self.plaintext * self.degree / 12.0
    }

    /// A sum of products, scaled down and relinearised in the working basis.
    pub(super) fn relinearised(&self, noise: Noise) -> Noise {
        let free = noise.free + self.rounding_of_product();
        Noise { free, keyed: noise.keyed + self.key_switch(self.working), ..noise }
    }

    /// The noise of an output after the sum over chunks, at the narrowest of the places it passes.
    pub(super) fn finished(&self, output: Noise, degree: u8, chunks: f64) -> ScanNoise {
        let free = (output.free * chunks).min(CEILING);
        let merged = Noise { free, keyed: (output.keyed * chunks * chunks).min(CEILING), ..output };
        let mut from = self.moduli(output.depth);
        let mut variance = merged.variance();
        let before = self.at(merged, from);
        if degree == 2 {
            // Scaled down and relinearised in one go in fewer moduli.
            let to = self.numbers.relinearisation_moduli();
            variance = self.divided(variance, from, to) + self.rounding_of_product() + self.key_switch(to);
            from = to;
        }
        let scaled = Noise { free: variance, keyed: 0.0, ..output };
        let to = self.numbers.finish_moduli();
        if from > to {
            variance = self.divided(variance, from, to) + self.rounding();
        }
        let late = Noise { free: variance, keyed: 0.0, ..output };
        before.narrower(self.at(scaled, from)).narrower(self.at(late, to))
    }

    /// A noise against what decrypts in the first `moduli` moduli.
    pub(super) fn at(&self, noise: Noise, moduli: usize) -> ScanNoise {
        ScanNoise {
            noise_bits: bits(noise.variance()).max(0.0).ceil() as u32,
            budget_bits: self.budget(moduli).max(0.0) as u32,
            depth: noise.depth,
        }
    }

    /// Bits of noise that decrypt in the first `moduli` moduli.
    pub(super) fn budget(&self, moduli: usize) -> f64 {
        let modulus_bits: f64 = self.numbers.moduli[..moduli].iter().map(|q| (*q as f64).log2()).sum();
        modulus_bits - self.plaintext.log2() - 1.0 - MARGIN_BITS
    }

    pub(super) fn check(&self, noise: ScanNoise) -> Result<ScanNoise, BoundError> {
        let ScanNoise { noise_bits, budget_bits, depth } = noise;
        if noise.room() < 0 {
            return Err(BoundError::Noise { set: self.set, noise_bits, budget_bits, depth });
        }
        Ok(noise)
    }
}
