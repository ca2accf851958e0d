//! Evaluates a prediction and hides what it was computed with.

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
    predict::{
        encrypt::Inputs,
        keys::Registered,
        mask::Mask,
        network,
        outputs::{self, Score, places},
        single::{Trees, inner_product},
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

/// A score before it is hidden.
struct Open {
    /// Nothing for a score that is a constant.
    ciphertext: Option<Ciphertext>,
    /// Added to the coefficients of scores, modulo t.
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
        let scores = guard(Object::PredictionInputs, || match &program.evaluation {
            Evaluation::Network(network) => {
                self.network(form, network, &inputs, &flooding, tables, rng, progress)
            }
            _ => self.scores(program, &line, &inputs, &flooding, tables, progress),
        })?;
        let seeds: Vec<Zeroizing<[u8; 32]>> = scores
            .iter()
            .map(|_| {
                let mut seed = Zeroizing::new([0; 32]);
                rng.fill_bytes(&mut seed[..]);
                seed
            })
            .collect();
        let hidden: Vec<Score> = scores
            .into_par_iter()
            .zip(&seeds)
            .map(|(score, seed)| self.hide(score, seed, form, tables))
            .collect::<Result<_, FheError>>()?;
        outputs::write(form, &hidden)
    }

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
        let read = || self.read(inputs);
        let (ciphertexts, constants): (Vec<Option<Ciphertext>>, Vec<i128>) = match &program.evaluation {
            Evaluation::Steps { outputs, .. } => {
                let run =
                    Run { set: self.set, key, tables, program: line, early: false, chunk: inputs, progress };
                let mut sums = if line.outputs.is_empty() { Vec::new() } else { run.all()? }.into_iter();
                let ciphertexts = outputs.iter().map(|output| output.register.and_then(|_| sums.next()));
                (ciphertexts.collect(), outputs.iter().map(|output| reduced(output.constant)).collect())
            }
            Evaluation::Weights(scores) => {
                let inputs = read()?;
                let pairs: Vec<(&Ciphertext, &Weights)> =
                    inputs.iter().flat_map(|input| scores.iter().map(move |score| (input, score))).collect();
                let product = |(input, score): &(&Ciphertext, &Weights)| inner_product(input, score, tables);
                let products = pairs.par_iter().map(|pair| Some(product(pair))).collect();
                (products, pairs.iter().map(|(_, score)| reduced(score.constant)).collect())
            }
            Evaluation::Leaves(scores) => {
                let nodes = read()?;
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
            Evaluation::Network(_) => return Err(FheError::Prediction("a network is evaluated apart")),
        };
        // The same for every ciphertext of rows.
        let mut floods = flooding.flood_bits.iter().copied().cycle();
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
    #[expect(clippy::too_many_arguments, reason = "what an evaluation has, and none of it twice")]
    fn network<R: RngCore + CryptoRng>(
        &self,
        form: &InputForm,
        network: &Network,
        inputs: &Inputs,
        flooding: &Flooding,
        tables: &'static Tables,
        rng: &mut R,
        progress: &dyn Progress,
    ) -> Result<Vec<Open>, FheError> {
        let slots = NetworkSlots::of(form).ok_or(FheError::Prediction("a network has no such slots"))?;
        let run = network::Run { set: self.set, tables, keys: &self.keys, slots, progress };
        let scores = run.scores(network, &self.read(inputs)?)?;
        let numbers = scan(self.set)?;
        let open = |((ciphertext, score), flood_bits): ((Ciphertext, &Weights), &u32)| {
            let parts = network::parts(slots, score.constant, numbers.plaintext_modulus, numbers.degree, rng);
            let ciphertext = Some(run.plus(ciphertext, &parts)?);
            Ok(Open { ciphertext, constant: 0, flood_bits: *flood_bits })
        };
        scores.into_iter().zip(&network.scores).zip(&flooding.flood_bits).map(open).collect()
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
        let places = places(form);
        let mask = Mask {
            zero: &self.keys.zero,
            variance: numbers.variance,
            modulus: numbers.plaintext_modulus,
            flood_bits: score.flood_bits,
            constant: score.constant,
            places: &places,
        };
        mask.apply(&mut polynomials, basis, seed);
        let [c0, c1] = &polynomials;
        let body = match &form.packing {
            Packing::Batch { .. } | Packing::Network { .. } => finish.to_coefficients(c0),
            Packing::Trees { .. } => finish.one(&basis.constant(c0)),
            Packing::Rows { .. } => {
                let all = finish.to_coefficients(c0);
                all.chunks_exact(basis.degree)
                    .flat_map(|row| places.iter().map(|place| row[*place]))
                    .collect()
            }
        };
        Ok(Score { body, mask: finish.to_coefficients(c1) })
    }
}

impl std::fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Evaluator({})", self.set)
    }
}
