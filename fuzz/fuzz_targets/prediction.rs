//! What a client sends: keys that it registers, and encrypted rows. The first byte says which.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sordino_fhe::{
    predict::{ClientKeys, Evaluator},
    progress::Silent,
};
use sordino_protocol::{
    parameters::ParameterSet,
    predict::{Evaluation, Input, InputForm, Packing, PredictionProgram, Weights},
    schema::ColumnId,
};

const SET: ParameterSet = ParameterSet::Predict4kV2;

static EVALUATOR: LazyLock<Evaluator> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys = ClientKeys::generate(SET, &mut rng).expect("keys");
    Evaluator::new(SET, &keys.registration(&mut rng).expect("a registration")).expect("keys")
});

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    match which {
        0 => drop(Evaluator::new(SET, bytes)),
        1 => drop(Evaluator::new(ParameterSet::Predict8kV1, bytes)),
        2 => drop(Evaluator::new(ParameterSet::Network16kV1, bytes)),
        _ => {
            let form = InputForm {
                parameter_set: SET,
                packing: Packing::Rows { inputs: vec![Input::Value(ColumnId(0)), Input::Value(ColumnId(1))] },
                scores: 1,
            };
            let weights = vec![Weights { weights: vec![3, -5], constant: 7 }];
            let program = PredictionProgram { form, evaluation: Evaluation::Weights(weights) };
            let mut rng = ChaCha20Rng::seed_from_u64(2);
            drop(EVALUATOR.evaluate(&program, bytes, &mut rng, &Silent));
        }
    }
});
