//! Partial results as bytes: the same to the bit after a round trip, and refused when they are not.

use rand::Rng;
use rand_chacha::ChaCha20Rng;
use sordino_protocol::{
    parameters::ParameterSet,
    program::{ScanProgram, Step},
};

use super::support::{
    Slices, encrypt_slots, evaluation_key_bytes, evaluator, printed_rng, program, random_slots, value_slice,
};
use crate::{
    error::FheError,
    evaluation_keys,
    progress::Silent,
    scan::{Evaluator, Partial},
    trust::TrustError,
};

const SET: ParameterSet = ParameterSet::Scan8kV1;

/// A slice, a sum and a product that is left at three polynomials.
fn three_outputs() -> ScanProgram {
    program(SET, 2, vec![Step::Sum(vec![0, 1]), Step::MultiplyRaw(0, 1)], vec![0, 2, 3])
}

fn chunk(rng: &mut ChaCha20Rng) -> Slices {
    let mut slices = Slices::default();
    for index in 0..2 {
        let slots = random_slots(SET, 3, rng);
        slices.0.insert(value_slice(index), encrypt_slots(SET, &slots, rng));
    }
    slices
}

fn partial(program: &ScanProgram, rng: &mut ChaCha20Rng) -> Partial {
    evaluator(SET).evaluate_chunk(program, &chunk(rng), &Silent).expect("evaluated")
}

#[test]
fn what_was_written_and_read_merges_and_finishes_alike() {
    let (program, mut rng) = (three_outputs(), printed_rng("partials"));
    let (one, other) = (partial(&program, &mut rng), partial(&program, &mut rng));
    let again = |partial: &Partial| {
        let bytes = partial.to_bytes(SET);
        let read = Partial::from_bytes(&bytes, &program).expect("read");
        assert_eq!(read.to_bytes(SET), bytes);
        assert!(partial.memory() < bytes.len() && bytes.len() < partial.memory() + 64);
        read
    };
    let finish = |mut one: Partial, other: Partial| {
        evaluator(SET).merge(&mut one, other, &Silent).expect("merged");
        evaluator(SET).finish(&program, one, &Silent).expect("finished").to_bytes()
    };
    let expected = finish(one.clone(), other.clone());
    assert_eq!(expected, finish(again(&one), again(&other)));
    assert_eq!(expected, finish(again(&other), one));
}

#[test]
fn hostile_partials() {
    let (program, mut rng) = (three_outputs(), printed_rng("hostile partials"));
    let valid = partial(&program, &mut rng).to_bytes(SET);
    let read = |bytes: &[u8]| Partial::from_bytes(bytes, &program);
    read(&valid).expect("valid");
    for outputs in [vec![], vec![0, 2], vec![0, 2, 3, 3]] {
        let other = ScanProgram { outputs, ..program.clone() };
        assert!(Partial::from_bytes(&valid, &other).is_err(), "{} outputs", other.outputs.len());
    }
    let other = ScanProgram { parameter_set: ParameterSet::Scan16kV1, ..program.clone() };
    let error = Partial::from_bytes(&valid, &other).expect_err("another set");
    assert!(matches!(error, FheError::Untrusted(TrustError::WrongParameterSet { .. })), "{error}");
    for at in 0..16 {
        let mut bytes = valid.clone();
        bytes[at] ^= 1 << rng.random_range(0..8);
        assert!(read(&bytes).is_err(), "byte {at} of its head");
    }
    for length in (0..40).chain([valid.len() / 2, valid.len() - 8, valid.len() - 1]) {
        assert!(read(&valid[..length]).is_err(), "cut to {length}");
    }
    assert!(read(&[&valid[..], &[0]].concat()).is_err(), "something follows");
    let mut unreduced = valid.clone();
    let at = 100 + 8 * rng.random_range(0..1_000);
    unreduced[at..at + 8].fill(0xff);
    let error = read(&unreduced).expect_err("not reduced");
    assert_eq!(error.to_string(), "partial result: a coefficient is not reduced");
    // Another program's: it reads, but does not merge.
    let two = self::program(SET, 2, vec![Step::MultiplyRaw(0, 1)], vec![2, 0, 1]);
    let mut other = partial(&two, &mut rng);
    let error = evaluator(SET).merge(&mut other, read(&valid).expect("valid"), &Silent);
    assert!(matches!(error, Err(FheError::Partials { .. })), "{error:?}");
}

#[test]
#[ignore = "prints figures: resident bytes of an evaluator beside the size that is stated"]
fn memory_of_evaluators() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0)
    };
    for set in [SET, ParameterSet::Scan16kV1] {
        let bytes = evaluation_key_bytes(set);
        drop(Evaluator::new(set, bytes));
        let before = resident();
        let kept: Vec<_> = (0..4).map(|_| Evaluator::new(set, bytes).expect("keys")).collect();
        let each = (resident() - before) / 4;
        let stated = evaluation_keys::expanded_size(set).expect("a scan set") >> 10;
        println!("{set}: {each} KiB each of {}, {stated} KiB stated", kept.len());
    }
}
