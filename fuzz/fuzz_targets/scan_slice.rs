//! A serialised slice, as the evaluator reads it.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sordino_fhe::{
    error::SourceError,
    evaluation_keys,
    keys::SecretKeys,
    progress::Silent,
    scan::{Evaluator, SliceSource},
};
use sordino_protocol::{
    layout::Slice,
    parameters::ParameterSet,
    program::{Recipe, ScanProgram},
};

const SET: ParameterSet = ParameterSet::Scan8kV1;

static EVALUATOR: LazyLock<Evaluator> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys = SecretKeys::generate(&mut rng);
    let bytes = evaluation_keys::generate(&keys, SET, &mut rng).expect("keys");
    Evaluator::new(SET, &bytes).expect("keys")
});

struct One(Bytes);

impl SliceSource for One {
    fn slices(&self, wanted: &[Slice]) -> Result<Vec<Bytes>, SourceError> {
        Ok(vec![self.0.clone(); wanted.len()])
    }
}

fuzz_target!(|data: &[u8]| {
    let program = ScanProgram {
        parameter_set: SET,
        slices: vec![Slice::Exists],
        steps: vec![],
        outputs: vec![0],
        recipes: vec![Recipe(vec![])],
    };
    let _ = EVALUATOR.evaluate_chunk(&program, &One(Bytes::copy_from_slice(data)), &Silent);
});
