//! Clients and programs of the tests.

use std::sync::OnceLock;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sordino_protocol::{
    coded::CodedTable,
    parameters::ParameterSet,
    predict::{
        Evaluation, Input, InputForm, Leaves, Network, Output, Packing, PredictionProgram, TREE_LEAVES,
        TREE_NODES, Unit, Weights,
    },
    program::Step,
    schema::ColumnId,
};

use crate::predict::{ClientKeys, Evaluator};

pub(super) const SMALL: ParameterSet = ParameterSet::Predict4kV2;
pub(super) const LARGE: ParameterSet = ParameterSet::Predict8kV1;
pub(super) const ROTATING: ParameterSet = ParameterSet::Network16kV1;

pub(super) struct Client {
    pub(super) keys: ClientKeys,
    pub(super) registration: Vec<u8>,
    pub(super) evaluator: Evaluator,
}

pub(super) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(super) fn client(set: ParameterSet) -> &'static Client {
    static CLIENTS: [OnceLock<Client>; 3] = [const { OnceLock::new() }; 3];
    CLIENTS[usize::from(set == LARGE) + 2 * usize::from(set == ROTATING)].get_or_init(|| {
        let keys = ClientKeys::generate(set, &mut rng(1)).expect("keys");
        let registration = keys.registration(&mut rng(2)).expect("keys");
        let evaluator = Evaluator::new(set, &registration).expect("keys");
        Client { keys, registration, evaluator }
    })
}

/// Tables of measures `0..columns`, uniform below `below`.
pub(super) fn table(columns: usize, rows: usize, below: i64, seed: u64) -> CodedTable {
    let mut rng = rng(seed);
    let mut column = || Some((0..rows).map(|_| Some(rng.random_range(0..below))).collect());
    CodedTable { rows, codes: vec![None; columns], values: (0..columns).map(|_| column()).collect() }
}

fn inputs(count: usize) -> Vec<Input> {
    (0..count).map(|column| Input::Value(ColumnId(column as u16))).collect()
}

/// A program over value inputs.
pub(super) fn batch(
    set: ParameterSet,
    columns: usize,
    steps: Vec<Step>,
    outputs: &[u32],
) -> PredictionProgram {
    let output = |register: &u32| Output { register: Some(*register), constant: -3 };
    PredictionProgram {
        form: InputForm {
            parameter_set: set,
            packing: Packing::Batch { inputs: inputs(columns) },
            scores: outputs.len() as u32,
        },
        evaluation: Evaluation::Steps { steps, outputs: outputs.iter().map(output).collect() },
    }
}

/// A weighted sum in one ciphertext.
pub(super) fn row(weights: Vec<i64>) -> PredictionProgram {
    PredictionProgram {
        form: InputForm {
            parameter_set: SMALL,
            packing: Packing::Rows { inputs: inputs(weights.len()) },
            scores: 1,
        },
        evaluation: Evaluation::Weights(vec![Weights { weights, constant: 17 }]),
    }
}

/// Complete trees whose tests are the inputs themselves.
pub(super) fn trees(count: usize, seed: u64) -> PredictionProgram {
    let mut rng = rng(seed);
    let nodes = |tree: usize| {
        let column = |node: usize| ColumnId((tree * TREE_NODES + node) as u16);
        (0..TREE_NODES).map(|node| Some(Input::Value(column(node)))).collect()
    };
    let mut leaves = || (0..TREE_LEAVES).map(|_| rng.random_range(-1_000..1_000)).collect();
    PredictionProgram {
        form: InputForm {
            parameter_set: LARGE,
            packing: Packing::Trees { trees: (0..count).map(nodes).collect() },
            scores: 1,
        },
        evaluation: Evaluation::Leaves(vec![Leaves {
            trees: (0..count).map(|_| leaves()).collect(),
            constant: 12,
        }]),
    }
}

/// What [`trees`] add up to.
pub(super) fn walked(program: &PredictionProgram, table: &CodedTable) -> i64 {
    let Evaluation::Leaves(scores) = &program.evaluation else { panic!("trees") };
    let value = |(tree, leaves): (usize, &Vec<i64>)| {
        let mut node = 0;
        while node < TREE_NODES {
            let column = ColumnId((tree * TREE_NODES + node) as u16);
            node = 2 * node + if table.values(column)[0] == Some(1) { 1 } else { 2 };
        }
        leaves[node - TREE_NODES]
    };
    scores[0].constant + scores[0].trees.iter().enumerate().map(value).sum::<i64>()
}

/// A network over inputs that are 0 or 1, with random weights and outputs.
pub(super) fn network(
    inputs: usize,
    units: usize,
    scores: usize,
    groups: u32,
    seed: u64,
) -> PredictionProgram {
    let mut rng = rng(seed);
    let mut unit = || {
        let weights: Vec<i64> = (0..inputs).map(|_| rng.random_range(-3..=3)).collect();
        let (low, high) = weights.iter().fold((0, 0), |(l, h), w| (l + w.min(&0), h + w.max(&0)));
        let outputs = (low..=high).map(|_| rng.random_range(-100..=100)).collect();
        Unit { sum: Weights { weights, constant: -low }, outputs }
    };
    let hidden: Vec<Unit> = (0..units).map(|_| unit()).collect();
    let mut score = || Weights {
        weights: (0..units).map(|_| rng.random_range(-15..=15)).collect(),
        constant: rng.random_range(-1_000..=1_000),
    };
    let scores: Vec<Weights> = (0..scores).map(|_| score()).collect();
    PredictionProgram {
        form: InputForm {
            parameter_set: ROTATING,
            packing: Packing::Network { inputs: self::inputs(inputs), units: units as u32, groups },
            scores: scores.len() as u32,
        },
        evaluation: Evaluation::Network(Network { units: hidden, scores }),
    }
}

/// What [`network`] gives in clear for a row.
pub(super) fn looked_up(program: &PredictionProgram, table: &CodedTable, row: usize) -> Vec<i64> {
    let Evaluation::Network(network) = &program.evaluation else { panic!("a network") };
    let value = |input: usize| table.values(ColumnId(input as u16))[row].expect("a value");
    let output = |unit: &Unit| {
        let sum = unit.sum.weights.iter().enumerate().map(|(input, w)| w * value(input)).sum::<i64>();
        unit.outputs[usize::try_from(sum + unit.sum.constant).expect("a level")]
    };
    let outputs: Vec<i64> = network.units.iter().map(output).collect();
    let score = |score: &Weights| {
        score.constant + score.weights.iter().zip(&outputs).map(|(w, output)| w * output).sum::<i64>()
    };
    network.scores.iter().map(score).collect()
}
