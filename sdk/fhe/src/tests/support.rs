//! Keys and data shared by the tests.

use std::{
    collections::HashMap,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use fhe::bfv::{Encoding, Plaintext};
use fhe_math::rq::{Poly, Representation, traits::TryConvertFrom};
use fhe_traits::{FheEncoder, FheEncrypter, Serialize};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sordino_protocol::{
    coded::CodedTable,
    layout::Slice,
    parameters::ParameterSet,
    program::{Recipe, ScanProgram, Step},
    schema::ColumnId,
};

use crate::{
    error::SourceError,
    evaluation_keys,
    keys::SecretKeys,
    parameters::bfv,
    progress::Progress,
    rollup::SegmentSource,
    scan::{Evaluator, SliceSource, ciphertext::Ciphertext, tables::Tables},
};

/// A generator whose seed is printed, so that a failure can be repeated.
pub(crate) fn printed_rng(what: &str) -> ChaCha20Rng {
    let seed = std::env::var("SORDINO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::rng().next_u64());
    println!("{what}: SORDINO_TEST_SEED={seed}");
    ChaCha20Rng::seed_from_u64(seed)
}

pub(super) fn keys() -> &'static SecretKeys {
    static KEYS: OnceLock<SecretKeys> = OnceLock::new();
    KEYS.get_or_init(|| SecretKeys::generate(&mut ChaCha20Rng::seed_from_u64(1)))
}

pub(super) fn evaluation_key_bytes(set: ParameterSet) -> &'static [u8] {
    static SMALL: OnceLock<Vec<u8>> = OnceLock::new();
    static LARGE: OnceLock<Vec<u8>> = OnceLock::new();
    static SCORES: OnceLock<Vec<u8>> = OnceLock::new();
    let cell = match set {
        ParameterSet::Scan8kV1 => &SMALL,
        ParameterSet::Score16kV1 => &SCORES,
        _ => &LARGE,
    };
    cell.get_or_init(|| {
        evaluation_keys::generate(keys(), set, &mut ChaCha20Rng::seed_from_u64(2)).expect("keys")
    })
}

pub(super) fn evaluator(set: ParameterSet) -> &'static Evaluator {
    static SMALL: OnceLock<Evaluator> = OnceLock::new();
    static LARGE: OnceLock<Evaluator> = OnceLock::new();
    static SCORES: OnceLock<Evaluator> = OnceLock::new();
    let cell = match set {
        ParameterSet::Scan8kV1 => &SMALL,
        ParameterSet::Score16kV1 => &SCORES,
        _ => &LARGE,
    };
    cell.get_or_init(|| Evaluator::new(set, evaluation_key_bytes(set)).expect("keys"))
}

/// Counts operations.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress for Counter {
    fn advance(&self, operations: u64) {
        self.0.fetch_add(operations, Ordering::Relaxed);
    }
}

/// Segments in memory.
pub(super) struct Segments(pub(super) Vec<Bytes>);

impl SegmentSource for Segments {
    fn segment(&self, index: u64) -> Result<Bytes, SourceError> {
        let missing = SourceError::Missing { what: format!("segment {index}") };
        self.0.get(index as usize).cloned().ok_or(missing)
    }
}

/// Slices in memory.
#[derive(Default, Clone)]
pub(super) struct Slices(pub(super) HashMap<Slice, Bytes>);

impl SliceSource for Slices {
    fn slices(&self, wanted: &[Slice]) -> Result<Vec<Bytes>, SourceError> {
        let missing = |slice: &Slice| SourceError::Missing { what: slice.name() };
        wanted.iter().map(|slice| self.0.get(slice).cloned().ok_or_else(|| missing(slice))).collect()
    }
}

pub(super) fn value_slice(index: u8) -> Slice {
    Slice::Value { column: ColumnId(0), limb: index }
}

/// Serialised ciphertext of some slots.
pub(super) fn encrypt_slots(set: ParameterSet, slots: &[u64], rng: &mut ChaCha20Rng) -> Bytes {
    let plain = Plaintext::try_encode(slots, Encoding::simd(), bfv(set).expect("a set")).expect("slots");
    let sealed: fhe::bfv::Ciphertext =
        keys().scan(set).expect("a set").try_encrypt(&plain, rng).expect("encrypted");
    sealed.to_bytes().into()
}

/// Slots of uniform values below `below`.
pub(super) fn random_slots(set: ParameterSet, below: u64, rng: &mut ChaCha20Rng) -> Vec<u64> {
    let degree = set.scan().expect("a set").degree;
    (0..degree).map(|_| rng.random_range(0..below)).collect()
}

/// A program over `slices` value slices with one output a group.
pub(super) fn program(set: ParameterSet, slices: u8, steps: Vec<Step>, outputs: Vec<u32>) -> ScanProgram {
    ScanProgram {
        parameter_set: set,
        slices: (0..slices).map(value_slice).collect(),
        steps,
        outputs,
        recipes: vec![Recipe(vec![])],
    }
}

/// Rows `from..to` of a table.
pub(super) fn rows(table: &CodedTable, from: usize, to: usize) -> CodedTable {
    CodedTable {
        rows: to - from,
        codes: table.codes.iter().map(|column| column.as_ref().map(|c| c[from..to].to_vec())).collect(),
        values: table.values.iter().map(|column| column.as_ref().map(|v| v[from..to].to_vec())).collect(),
    }
}

/// A ciphertext as the library has it; products are scaled down to three polynomials.
pub(super) fn library(ciphertext: &Ciphertext, set: ParameterSet, tables: &Tables) -> fhe::bfv::Ciphertext {
    let (parameters, basis) = (bfv(set).expect("a set"), ciphertext.basis(tables));
    let products = matches!(ciphertext, Ciphertext::Products(_));
    let moduli = if products { tables.working.len() } else { basis.len() };
    let level = tables.full.len() - moduli;
    let context = parameters.context_at_level(level).expect("a level");
    let polynomials = ciphertext.polynomials().iter().map(|rows| {
        let rows = if products { tables.scale.transformed(rows) } else { rows.clone() };
        Poly::try_convert_from(rows, context, true, Representation::Ntt).expect("a polynomial")
    });
    fhe::bfv::Ciphertext::new(polynomials.collect(), parameters).expect("a ciphertext")
}
