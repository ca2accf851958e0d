//! A prediction as a scan program: the very one that is run for a batch, and otherwise one whose noise
//! is that of what is run.

use std::collections::BTreeMap;

use super::{Evaluation, Network, Packing, PredictionProgram, TREE_NODES, Weights};
use crate::{
    layout::Slice,
    parameters::ScanParameters,
    program::{Register, ScanProgram, Step},
    schema::ColumnId,
};

impl PredictionProgram {
    /// The scan program whose registers have the noise of this prediction; that of a batch is what is
    /// evaluated. Input `i` is the value slice of column `i`. Constant scores have no output in it.
    pub fn scan_program(&self) -> ScanProgram {
        let numbers = self.form.parameter_set.bfv();
        let (steps, outputs) = match &self.evaluation {
            Evaluation::Steps { steps, outputs } => {
                (steps.clone(), outputs.iter().filter_map(|output| output.register).collect())
            }
            Evaluation::Weights(scores) => weights(scores),
            Evaluation::Leaves(scores) => leaves(scores.len(), numbers),
            Evaluation::Network(network) => polynomial(network, numbers),
        };
        // The polynomials of a network are of one ciphertext, which is made of all inputs before.
        let is_network = matches!(self.evaluation, Evaluation::Network(_));
        let ciphertexts = if is_network { 1 } else { self.form.ciphertexts(1) };
        ScanProgram {
            parameter_set: self.form.parameter_set,
            slices: (0..ciphertexts).map(slice).collect(),
            steps,
            outputs,
            recipes: Vec::new(),
        }
    }

    /// Whether inputs, weights and leaves are as many as the packing says.
    pub fn is_consistent(&self) -> bool {
        let scores = self.form.scores as usize;
        match (&self.form.packing, &self.evaluation) {
            (Packing::Batch { .. }, Evaluation::Steps { outputs, .. }) => outputs.len() == scores,
            (Packing::Rows { inputs }, Evaluation::Weights(weights)) => {
                weights.len() == scores && weights.iter().all(|score| score.weights.len() == inputs.len())
            }
            (Packing::Trees { trees }, Evaluation::Leaves(leaves)) => {
                leaves.len() == scores
                    && trees.iter().all(|tree| tree.len() == TREE_NODES)
                    && leaves.iter().all(|score| {
                        score.trees.len() == trees.len()
                            && score.trees.iter().all(|tree| tree.len() == super::TREE_LEAVES)
                    })
            }
            (Packing::Network { .. }, Evaluation::Network(network)) => network.is_consistent(&self.form),
            _ => false,
        }
    }
}

/// The slice that stands for a ciphertext of the inputs.
fn slice(index: usize) -> Slice {
    Slice::Value { column: ColumnId(u16::try_from(index).unwrap_or(u16::MAX)), limb: 0 }
}

/// A coefficient of the product with a polynomial of weights has the noise of their norm.
fn weights(scores: &[Weights]) -> (Vec<Step>, Vec<Register>) {
    let norm = |score: &Weights| score.weights.iter().map(|w| (*w as f64).powi(2)).sum::<f64>().sqrt();
    let steps = scores.iter().map(|score| Step::Combine(vec![(0, (norm(score).ceil() as i64).max(1))]));
    let steps: Vec<Step> = steps.collect();
    let outputs = (1..=steps.len() as u32).collect();
    (steps, outputs)
}

/// Values in slots are a polynomial of coefficients up to t/2, and the product with it has the noise of this
/// factor, `t sqrt(N / 12)`.
fn vector(numbers: Option<&ScanParameters>) -> i64 {
    let factor =
        |numbers: &ScanParameters| numbers.plaintext_modulus as f64 * (numbers.degree as f64 / 12.0).sqrt();
    numbers.map_or(1.0, factor).ceil() as i64
}

/// As the polynomials of a network are evaluated, each score as any other: every product with coefficients
/// is one with a vector.
fn polynomial(network: &Network, numbers: Option<&ScanParameters>) -> (Vec<Step>, Vec<Register>) {
    let (schedule, plain) = (network.schedule(), vector(numbers));
    let mut line = Line { steps: Vec::new(), next: 1 };
    let mut powers = BTreeMap::from([(1, 0)]);
    for (power, [a, b]) in schedule.powers() {
        powers.insert(power, line.push(Step::Multiply(powers[&a], powers[&b])));
    }
    let terms: Vec<(Register, i64)> = (1..schedule.block).map(|power| (powers[&power], plain)).collect();
    // Every block has the noise of this one; what is joined is a block, and products or none.
    let block = line.push(Step::Combine(terms));
    let mut joined = vec![(block, None); schedule.blocks];
    let mut size = schedule.block;
    while joined.len() > 1 {
        let pairs = joined.chunks_exact(2).map(|pair| {
            let high = settled(&mut line, pair[1]);
            let product = line.push(Step::MultiplyRaw(high, powers[&size]));
            let products = pair[0].1.map_or(product, |low| line.push(Step::Sum(vec![low, product])));
            (pair[0].0, Some(products))
        });
        joined = pairs.collect();
        size *= 2;
    }
    let output = settled(&mut line, joined[0]);
    (line.steps, vec![output; network.scores.len()])
}

/// A block with its products relinearised.
fn settled(line: &mut Line, (block, products): (Register, Option<Register>)) -> Register {
    let Some(products) = products else { return block };
    let products = line.push(Step::Relinearise(products));
    line.push(Step::Combine(vec![(products, 1), (block, 1)]))
}

/// As [`Leaves`](super::Leaves) are evaluated.
fn leaves(scores: usize, numbers: Option<&ScanParameters>) -> (Vec<Step>, Vec<Register>) {
    let plain = vector(numbers);
    let mut line = Line { steps: Vec::new(), next: TREE_NODES as u32 };
    let top = [line.push(Step::Multiply(0, 1)), line.push(Step::Multiply(0, 2))];
    let negated = line.push(Step::Subtract(2, top[1]));
    let mut outputs = Vec::with_capacity(scores);
    for _ in 0..scores {
        let bottoms: Vec<(Register, Register)> = (0..4)
            .map(|bottom| {
                let (split, left, right) = (3 + bottom, 7 + 2 * bottom, 8 + 2 * bottom);
                let sum = line.push(Step::Combine(vec![(left, plain), (right, plain)]));
                let rest = line.push(Step::Combine(vec![(right, plain)]));
                (line.push(Step::MultiplyRaw(split, sum)), rest)
            })
            .collect();
        let difference = |line: &mut Line, a: usize, b: usize| {
            let products = line.push(Step::Subtract(bottoms[a].0, bottoms[b].0));
            let products = line.push(Step::Relinearise(products));
            line.push(Step::Combine(vec![(products, 1), (bottoms[a].1, 1), (bottoms[b].1, -1)]))
        };
        let factors = [
            (top[0], difference(&mut line, 0, 1)),
            (0, difference(&mut line, 1, 3)),
            (negated, difference(&mut line, 2, 3)),
        ];
        let mut products = vec![bottoms[3].0];
        products.extend(factors.map(|(a, b)| line.push(Step::MultiplyRaw(a, b))));
        let sum = line.push(Step::Sum(products));
        let sum = line.push(Step::Relinearise(sum));
        outputs.push(line.push(Step::Combine(vec![(sum, 1), (bottoms[3].1, 1)])));
    }
    (line.steps, outputs)
}

struct Line {
    steps: Vec<Step>,
    next: Register,
}

impl Line {
    fn push(&mut self, step: Step) -> Register {
        self.steps.push(step);
        self.next += 1;
        self.next - 1
    }
}
