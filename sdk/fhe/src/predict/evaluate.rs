//! Evaluates a prediction and hides what it was computed with.

use bytes::Bytes;
use rand::{CryptoRng, RngCore};
use rayon::prelude::*;
use sordino_protocol::{
    bounds::{Flooding, depths, prediction_flooding},
    parameters::ParameterSet,
    predict::{Evaluation, InputForm, Network, NetworkSlots, Packing, PredictionProgram, Weights},
    program::ScanProgram,
};
use zeroize::Zeroizing;

use crate::{
    error::FheError,
    parameters::scan,
    pool::in_pool,
    predict::{
        encrypt::Inputs,
        keys::Registered,
        mask::Mask,
        network,
        outputs::{self, Score, places},
        rows::Products,
        single::Trees,
    },
    progress::Progress,
    ring::Rows,
    scan::{
        Run,
        ciphertext::Ciphertext,
        tables::{Tables, tables},
        wire,
    },
    trust::{Object, guard},
};

/// Evaluates predictions of one parameter set under one client's registered keys. Expensive to make (it
/// expands the keys); meant to be kept, by the digest of what was registered.
pub struct Evaluator {
    set: ParameterSet,
    pub(super) keys: Registered,
}

/// What the randomness of one output is drawn from.
type Seed = Zeroizing<[u8; 32]>;

/// A score before it is hidden.
struct Open {
    /// Nothing for a score that is a constant.
    ciphertext: Option<Ciphertext>,
    /// Added to coefficient 0, modulo t: the same in every slot.
    constant: u64,
    flood_bits: u32,
}

impl Evaluator {
    /// Reads what a client registered.
    ///
    /// # Errors
    /// When `set` has no slots or the bytes are refused.
    pub fn new(set: ParameterSet, registration: &[u8]) -> Result<Self, FheError> {
        Ok(Self { set, keys: Registered::read(registration, set)? })
    }

    /// Evaluates `program` on the bytes of a request and gives the bytes of the answer.
    ///
    /// `rng` must be cryptographically secure and seeded by the operating system: the weights are hidden
    /// by what is drawn from it.
    ///
    /// # Errors
    /// When the program does not fit the set, the inputs are refused, or it is cancelled.
    pub fn evaluate<R: RngCore + CryptoRng>(
        &self,
        program: &PredictionProgram,
        inputs: &[u8],
        rng: &mut R,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, FheError> {
        let form = &program.form;
        if form.parameter_set != self.set {
            return Err(FheError::MixedSets { expected: self.set, found: form.parameter_set });
        }
        if !program.is_consistent() {
            return Err(FheError::Prediction("what is computed does not go with the packing"));
        }
        let line = program.scan_program();
        if !self.set.multiplies() && depths(&line).iter().any(|depth| *depth > 0) {
            return Err(FheError::Prediction("its parameter set has no products"));
        }
        let flooding = prediction_flooding(program)?;
        let tables = tables(self.set, flooding.working)?;
        let inputs = Inputs::read(inputs, form)?;
        let count = match &program.evaluation {
            Evaluation::Weights(scores) => inputs.all().len() * scores.len(),
            Evaluation::Steps { .. } | Evaluation::Leaves(_) | Evaluation::Network(_) => form.scores as usize,
        };
        let seeds: Vec<Seed> = (0..count)
            .map(|_| {
                let mut seed = Zeroizing::new([0; 32]);
                rng.fill_bytes(&mut seed[..]);
                seed
            })
            .collect();
        let hide = |scores: Vec<Open>| {
            let hide = |(score, seed): (Open, &Seed)| self.hide(score, seed, form, tables);
            scores.into_par_iter().zip(&seeds).map(hide).collect()
        };
        let compute = || match &program.evaluation {
            Evaluation::Weights(scores) => self.products(form, scores, &inputs, &flooding, tables, &seeds),
            Evaluation::Network(network) => {
                let slots =
                    NetworkSlots::of(form).ok_or(FheError::Prediction("a network has no such slots"))?;
                let run = network::Run { set: self.set, tables, keys: &self.keys, slots, progress };
                hide(self.network(&run, network, &inputs, &flooding, &seeds)?)
            }
            Evaluation::Steps { .. } | Evaluation::Leaves(_) => {
                hide(self.scores(program, &line, &inputs, &flooding, tables, progress)?)
            }
        };
        let hidden = in_pool(|| guard(Object::PredictionInputs, compute))?;
        outputs::write(form, &hidden)
    }

    /// Inner products: for each ciphertext of rows every score.
    fn products(
        &self,
        form: &InputForm,
        scores: &[Weights],
        inputs: &Inputs,
        flooding: &Flooding,
        tables: &'static Tables,
        seeds: &[Seed],
    ) -> Result<Vec<Score>, FheError> {
        let (numbers, places) = (scan(self.set)?, places(form));
        let products = Products { numbers, tables, keys: &self.keys, places: &places };
        let one = |(bytes, seeds): (&Bytes, &[Seed])| {
            let input = wire::read_slice(bytes, self.set)?;
            let scores = scores.par_iter().zip(&flooding.flood_bits).zip(seeds);
            let hidden = scores.map(|((score, bits), seed)| products.hidden(&input, score, *bits, seed));
            let lost = FheError::Prediction("an input is no fresh ciphertext");
            hidden.collect::<Option<Vec<Score>>>().ok_or(lost)
        };
        let inputs = inputs.all().par_iter().zip(seeds.par_chunks(scores.len().max(1)));
        let hidden: Vec<Vec<Score>> = inputs.map(one).collect::<Result<_, FheError>>()?;
        Ok(hidden.into_iter().flatten().collect())
    }

    /// What steps and trees compute.
    fn scores(
        &self,
        program: &PredictionProgram,
        line: &ScanProgram,
        inputs: &Inputs,
        flooding: &Flooding,
        tables: &'static Tables,
        progress: &dyn Progress,
    ) -> Result<Vec<Open>, FheError> {
        let numbers = scan(self.set)?;
        let modulus = i128::from(numbers.plaintext_modulus);
        let reduced = |constant: i64| i128::from(constant).rem_euclid(modulus);
        let key = &self.keys.relinearisation;
        let (ciphertexts, constants): (Vec<Option<Ciphertext>>, Vec<i128>) = match &program.evaluation {
            Evaluation::Steps { outputs, .. } => {
                let run =
                    Run { set: self.set, key, tables, program: line, early: false, chunk: inputs, progress };
                let mut sums = if line.outputs.is_empty() { Vec::new() } else { run.all()? }.into_iter();
                let ciphertexts = outputs.iter().map(|output| output.register.and_then(|_| sums.next()));
                (ciphertexts.collect(), outputs.iter().map(|output| reduced(output.constant)).collect())
            }
            Evaluation::Leaves(scores) => {
                let nodes = self.read(inputs)?;
                let trees = Trees::new(self.set, tables, key, &nodes)?;
                let sums: Result<_, FheError> =
                    scores.iter().map(|leaves| trees.score(leaves).map(Some)).collect();
                // Decryption multiplies by N: so many halves are taken of the constant.
                let half = (modulus + 1) / 2;
                let part = |constant| {
                    (0..numbers.degree.ilog2()).fold(reduced(constant), |part, _| part * half % modulus)
                };
                (sums?, scores.iter().map(|score| part(score.constant)).collect())
            }
            Evaluation::Weights(_) | Evaluation::Network(_) => {
                return Err(FheError::Prediction("inner products and networks are evaluated apart"));
            }
        };
        let mut floods = flooding.flood_bits.iter().copied();
        let open = ciphertexts.into_iter().zip(constants).map(|(ciphertext, constant)| {
            let flood_bits = ciphertext.as_ref().and_then(|_| floods.next());
            let flood_bits = flood_bits.unwrap_or(flooding.constant_bits);
            Open { ciphertext, constant: constant as u64, flood_bits }
        });
        Ok(open.collect())
    }

    fn read(&self, inputs: &Inputs) -> Result<Vec<Ciphertext>, FheError> {
        inputs.all().par_iter().map(|bytes| wire::read_slice(bytes, self.set)).collect()
    }

    /// The parts of each score, their constants in them.
    fn network(
        &self,
        run: &network::Run<'_>,
        network: &Network,
        inputs: &Inputs,
        flooding: &Flooding,
        seeds: &[Seed],
    ) -> Result<Vec<Open>, FheError> {
        let scores = run.scores(network, &self.read(inputs)?)?;
        let open = |(((ciphertext, score), flood_bits), seed): (((Ciphertext, &Weights), &u32), &Seed)| {
            let parts = run.parts(score.constant, seed)?;
            Ok(Open { ciphertext: Some(run.plus(ciphertext, &parts)?), constant: 0, flood_bits: *flood_bits })
        };
        scores.into_iter().zip(&network.scores).zip(&flooding.flood_bits).zip(seeds).map(open).collect()
    }

    /// Hides a score and switches it down.
    fn hide(
        &self,
        score: Open,
        seed: &[u8; 32],
        form: &InputForm,
        tables: &'static Tables,
    ) -> Result<Score, FheError> {
        let numbers = scan(self.set)?;
        let zero = || Ciphertext::Early([tables.full.zero(), tables.full.zero()]);
        let (mut polynomials, basis, finish): ([Rows; 2], _, _) = match score.ciphertext.unwrap_or_else(zero)
        {
            Ciphertext::Early(polynomials) => (polynomials, &tables.full, &tables.finish[0]),
            Ciphertext::Late(polynomials) => (polynomials, &tables.working, &tables.finish[1]),
            Ciphertext::Products(_) | Ciphertext::Finished(_) => {
                return Err(FheError::Prediction("an output is not relinearised"));
            }
        };
        let mask = Mask {
            zero: &self.keys.zero,
            variance: numbers.variance,
            modulus: numbers.plaintext_modulus,
            flood_bits: score.flood_bits,
            constant: score.constant,
        };
        mask.apply(&mut polynomials, basis, seed);
        let [c0, c1] = &polynomials;
        let body = match &form.packing {
            Packing::Batch { .. } | Packing::Network { .. } => finish.to_coefficients(c0),
            Packing::Trees { .. } => finish.one(&basis.constant(c0)),
            Packing::Rows { .. } => return Err(FheError::Prediction("rows are inner products")),
        };
        Ok(Score { body, mask: finish.to_coefficients(c1) })
    }
}

impl std::fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Evaluator({})", self.set)
    }
}
