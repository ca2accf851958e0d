//! Bytes from outside: whatever they are, an error and never a panic; and nothing but the canonical
//! bytes is accepted.

use std::cell::RefCell;

use bytes::Bytes;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sordino_protocol::{
    layout::{CellArray, CellSum, Cuboid, RollupLayout},
    parameters::ParameterSet,
    program::{CellOutput, Program, ProgramArray, RollupProgram, ScanProgram},
};

use super::support::{
    Segments, Slices, encrypt_slots, evaluation_key_bytes, evaluator, keys, printed_rng, program, value_slice,
};
use crate::{
    error::{FheError, SourceError},
    outputs::Outputs,
    progress::Silent,
    rollup::{self, Segment},
    scan::{ChunkReader, Evaluator, SliceSource, wire},
    trust::{Object, TrustError},
};

const SET: ParameterSet = ParameterSet::Scan8kV1;

/// A change to valid bytes.
#[derive(Debug, Clone)]
enum Damage {
    Cut(prop::sample::Index),
    Extend(Vec<u8>),
    Flip(prop::sample::Index, u8),
    Overwrite(prop::sample::Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        any::<prop::sample::Index>().prop_map(Damage::Cut),
        vec(any::<u8>(), 1..20).prop_map(Damage::Extend),
        (any::<prop::sample::Index>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (any::<prop::sample::Index>(), vec(any::<u8>(), 1..40))
            .prop_map(|(at, with)| Damage::Overwrite(at, with)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        match self {
            Self::Cut(at) => out.truncate(at.index(bytes.len())),
            Self::Extend(with) => out.extend(with),
            Self::Flip(at, bit) => out[at.index(bytes.len())] ^= 1 << bit,
            Self::Overwrite(at, with) => {
                let at = at.index(bytes.len());
                out[at..].iter_mut().zip(with).for_each(|(old, new)| *old = *new);
            }
        }
        out
    }
}

/// Gives a parser arbitrary bytes, and damaged valid ones. Bytes of another length must be refused.
fn attack(valid: &[u8], cases: u32, parse: impl Fn(&[u8]) -> Result<(), FheError>) {
    parse(valid).expect("valid bytes are accepted");
    let parse = RefCell::new(parse);
    let mut seed = [0; 32];
    printed_rng("hostile bytes").fill_bytes(&mut seed);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    runner
        .run(&vec(any::<u8>(), 0..200), |bytes| {
            prop_assert!(parse.borrow()(&bytes).is_err());
            Ok(())
        })
        .expect("arbitrary bytes are refused");
    runner
        .run(&damage(), |damage| {
            let bytes = damage.apply(valid);
            let outcome = parse.borrow()(&bytes);
            let panicked = matches!(outcome, Err(FheError::Untrusted(TrustError::LibraryPanic { .. })));
            prop_assert!(!panicked, "a library panicked");
            if bytes.len() != valid.len() {
                prop_assert!(outcome.is_err());
            }
            Ok(())
        })
        .expect("damaged bytes are refused or harmless");
}

fn rollup_case() -> (RollupLayout, RollupProgram) {
    let array = CellArray { sum: CellSum::Rows, limb: 0 };
    let layout = RollupLayout {
        parameter_set: ParameterSet::RollupV1,
        limb_bits: 33,
        arrays: vec![array],
        cuboids: vec![Cuboid { dimensions: vec![], arrays: 1, cells: 3_000, first: 0 }],
        cells: 3_000,
        segments: vec![],
    };
    let program = RollupProgram {
        parameter_set: ParameterSet::RollupV1,
        cuboid: 0,
        selections: vec![vec![(0, 10)]],
        arrays: vec![ProgramArray { array, first: 0 }],
        outputs: vec![CellOutput { selection: 0, array: 0 }],
        recipes: vec![],
    };
    (layout, program)
}

#[test]
fn hostile_segments() {
    let (layout, program) = rollup_case();
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let valid = Segment::encrypt(&[1; 3_000], keys(), &mut rng).to_bytes();
    attack(&valid, 200, |bytes| {
        let source = Segments(vec![Bytes::copy_from_slice(bytes)]);
        rollup::evaluate(&layout, &program, &source, &Silent).map(drop)
    });
    let oversized = Segments(vec![vec![0; 1 << 20].into()]);
    let error = rollup::evaluate(&layout, &program, &oversized, &Silent).expect_err("too large");
    assert!(matches!(error, FheError::Untrusted(TrustError::Oversized { actual: 1_048_576, .. })), "{error}");
    let mut other_set = valid;
    other_set[6] = 2;
    let error = rollup::evaluate(&layout, &program, &Segments(vec![other_set.into()]), &Silent);
    assert!(matches!(error, Err(FheError::Untrusted(TrustError::WrongParameterSet { .. }))), "{error:?}");
}

#[test]
fn a_rollup_program_beyond_its_layout_is_refused() {
    let (layout, program) = rollup_case();
    let source = Segments(vec![]);
    for selection in [(0, 3_001), (5, 5), (7, 6), (u64::MAX, u64::MAX)] {
        let program = RollupProgram { selections: vec![vec![selection]], ..program.clone() };
        let error = rollup::evaluate(&layout, &program, &source, &Silent);
        assert!(matches!(error, Err(FheError::Program(_))), "{error:?}");
    }
    let missing = rollup::evaluate(&layout, &program, &source, &Silent);
    assert!(matches!(missing, Err(FheError::Source(SourceError::Missing { .. }))), "{missing:?}");
}

#[test]
fn hostile_slices() {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let valid = encrypt_slots(SET, &[1, 2, 3], &mut rng);
    attack(&valid, 100, |bytes| wire::read_slice(bytes, SET).map(drop));
    // All ones is not reduced by any modulus.
    let mut unreduced = valid.to_vec();
    unreduced[1_000..1_100].fill(0xff);
    let error = wire::read_slice(&unreduced, SET).expect_err("not reduced");
    assert_eq!(error.to_string(), "slice: a coefficient is not reduced");
    assert!(wire::read_slice(&valid, ParameterSet::Scan16kV1).is_err());
}

#[test]
fn hostile_evaluation_keys() {
    let valid = evaluation_key_bytes(SET);
    attack(valid, 12, |bytes| Evaluator::new(SET, bytes).map(drop));
    let error = Evaluator::new(ParameterSet::Scan16kV1, valid).expect_err("another set");
    assert!(matches!(error, FheError::Untrusted(TrustError::WrongParameterSet { .. })), "{error}");
}

#[test]
fn hostile_outputs() {
    let program = Program::Scan(program(SET, 1, vec![], vec![0]));
    let Program::Scan(scan) = &program else { return };
    let mut slices = Slices::default();
    slices.0.insert(value_slice(0), encrypt_slots(SET, &[1], &mut ChaCha20Rng::seed_from_u64(10)));
    let evaluator = evaluator(SET);
    let partial = evaluator.evaluate_chunk(scan, &slices, &Silent).expect("evaluated");
    let valid = evaluator.finish(scan, partial, &Silent).expect("finished").to_bytes();
    attack(&valid, 60, |bytes| Outputs::from_bytes(bytes, &program).map(drop));

    let (layout, rollup) = rollup_case();
    let cells = Segment::encrypt(&[1; 3_000], keys(), &mut ChaCha20Rng::seed_from_u64(11)).to_bytes();
    let outputs = rollup::evaluate(&layout, &rollup, &Segments(vec![cells.into()]), &Silent);
    let valid = outputs.expect("evaluated").to_bytes();
    let program = Program::Rollup(rollup);
    attack(&valid, 200, |bytes| Outputs::from_bytes(bytes, &program).map(drop));
}

#[test]
fn hostile_chunks() {
    let mut rng = ChaCha20Rng::seed_from_u64(12);
    let slice = encrypt_slots(SET, &[1], &mut rng).to_vec();
    let columns = (0..3).map(|index| (value_slice(index).name(), slice.clone())).collect();
    let valid = Bytes::from(crate::scan::write_chunk(SET, columns).expect("written"));
    println!("Parquet adds {} bytes to 3 slices", valid.len() - 3 * slice.len());
    let read = |bytes: Bytes| ChunkReader::new(bytes, SET)?.slices(&[value_slice(2), value_slice(0)]);
    let slices = read(valid.clone()).expect("valid");
    assert!(slices.iter().all(|read| *read == slice));
    // Damage in the metadata and page headers; the slices themselves have their own test.
    let tail = valid.len() - 700;
    for at in (0..60).chain(tail..valid.len()) {
        let mut bytes = valid.to_vec();
        bytes[at] ^= 1 << (at % 8);
        drop(read(bytes.into()));
    }
    for length in (0..100).chain(tail..valid.len()) {
        assert!(read(valid.slice(..length)).is_err(), "cut to {length}");
    }
    let reader = ChunkReader::new(valid.clone(), SET).expect("a chunk");
    let missing = reader.slices(&[value_slice(9)]).expect_err("no such slice");
    assert_eq!(missing.to_string(), "slice `v0.9` is missing");
    let error = ChunkReader::new(valid, ParameterSet::Scan16kV1).expect_err("another set");
    assert!(
        matches!(
            error,
            SourceError::Untrusted(TrustError::WrongParameterSet { object: Object::ScanChunk, .. })
        ),
        "{error}"
    );
}

#[test]
fn malformed_scan_programs_are_refused() {
    use sordino_protocol::program::Step;
    let evaluator = evaluator(SET);
    let refuse = |program: ScanProgram| {
        let error = evaluator.evaluate_chunk(&program, &Slices::default(), &Silent);
        assert!(matches!(error, Err(FheError::Program(_) | FheError::MixedSets { .. })), "{error:?}");
    };
    refuse(program(SET, 1, vec![Step::Sum(vec![0, 7])], vec![1]));
    refuse(program(SET, 1, vec![Step::Sum(vec![])], vec![1]));
    refuse(program(SET, 1, vec![Step::Subtract(0, 1)], vec![1]));
    refuse(program(SET, 1, vec![Step::MultiplyRaw(0, 0), Step::Multiply(1, 0)], vec![2]));
    refuse(program(SET, 1, vec![Step::MultiplyRaw(0, 0), Step::Sum(vec![1, 0])], vec![2]));
    refuse(program(SET, 1, vec![Step::Relinearise(0)], vec![1]));
    refuse(program(SET, 1, vec![Step::Combine(vec![(0, i64::MIN)])], vec![1]));
    refuse(program(SET, 1, vec![Step::MultiplyRaw(0, 0), Step::Combine(vec![(1, 2), (0, 2)])], vec![2]));
    refuse(program(SET, 1, vec![], vec![u32::MAX]));
    refuse(program(ParameterSet::Scan16kV1, 1, vec![], vec![0]));
    refuse(program(ParameterSet::RollupV1, 1, vec![], vec![0]));
}
