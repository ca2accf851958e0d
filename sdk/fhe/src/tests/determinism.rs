//! The same ciphertexts give the same bytes on every machine and with any number of threads.
//!
//! The digests below are golden: a change means that a parameter set or a library no longer computes
//! what it did, and that gates and platforms of different versions would disagree. Encryption itself
//! is randomised, so the inputs are made up: uniform polynomials in the framing of slices and keys.
//! They decrypt to nothing, but evaluation treats them like any other.

use bytes::Bytes;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rayon::ThreadPoolBuilder;
use sordino_protocol::{
    digest::{Digest, Purpose},
    layout::{CellArray, CellSum, Cuboid, RollupLayout},
    parameters::{ParameterSet, ScanParameters},
    program::{CellOutput, ProgramArray, RollupProgram, Step},
};

use super::support::{Segments, Slices, program, value_slice};
use crate::{
    keys::SecretKeys,
    outputs::Outputs,
    progress::Silent,
    rollup::{self, Segment},
    scan::{
        Evaluator,
        wire::{self, NTT, NTT_SHOUP, tagged},
    },
    trust::{Object, header},
};

/// Packed uniform coefficients in the framing of a polynomial.
fn polynomial(numbers: &ScanParameters, representation: u8, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let moduli = numbers.moduli;
    let (before, packed, after) = wire::polynomial_frame(numbers.degree, moduli, representation);
    let mut coefficients = Vec::with_capacity(packed);
    let (mut window, mut held) = (0u128, 0);
    for modulus in moduli {
        for _ in 0..numbers.degree {
            window |= u128::from(rng.random_range(0..*modulus)) << held;
            held += wire::bits(*modulus);
            while held >= 8 {
                coefficients.push(window as u8);
                window >>= 8;
                held -= 8;
            }
        }
    }
    let frame = tagged(0x0a, before.len() + packed + after.len());
    [&frame[..], &before, &coefficients, &after].concat()
}

fn seed(tag: u8, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    [&[tag, 32], &seed[..]].concat()
}

fn slice(set: ParameterSet, rng: &mut ChaCha20Rng) -> Bytes {
    let numbers = set.scan().expect("a set");
    [polynomial(numbers, NTT, rng), seed(0x12, rng)].concat().into()
}

fn evaluation_keys(set: ParameterSet, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let numbers = set.scan().expect("a set");
    let mut key: Vec<u8> = numbers.moduli.iter().flat_map(|_| polynomial(numbers, NTT_SHOUP, rng)).collect();
    key.extend(seed(0x1a, rng));
    [&header(Object::EvaluationKeys, set)[..], &tagged(0x0a, key.len()), &key].concat()
}

fn scan(set: ParameterSet) -> Digest {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let evaluator = Evaluator::new(set, &evaluation_keys(set, &mut rng)).expect("keys");
    let steps = vec![
        Step::Sum(vec![0, 1, 2]),
        Step::Subtract(3, 4),
        Step::Multiply(4, 5),
        Step::MultiplyRaw(6, 1),
        Step::MultiplyRaw(2, 2),
        Step::Sum(vec![7, 8]),
        Step::Combine(vec![(9, 3), (8, -5)]),
        Step::Relinearise(10),
        Step::Combine(vec![(11, -1), (0, 7)]),
    ];
    let program = program(set, 4, steps, vec![9, 6, 0, 12]);
    let mut sum = None;
    for _ in 0..2 {
        let slices = (0..4).map(|index| (value_slice(index), slice(set, &mut rng))).collect();
        let partial = evaluator.evaluate_chunk(&program, &Slices(slices), &Silent).expect("evaluated");
        match &mut sum {
            None => sum = Some(partial),
            Some(sum) => evaluator.merge(sum, partial, &Silent).expect("merged"),
        }
    }
    let outputs = evaluator.finish(&program, sum.expect("chunks"), &Silent).expect("finished");
    Digest::of(Purpose::Object, &outputs.to_bytes())
}

fn rollup() -> (Digest, Digest) {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let keys = SecretKeys::generate(&mut rng);
    let cells: Vec<u64> = (0..40_000).collect();
    let segments: Vec<Bytes> = cells
        .chunks(32_768)
        .map(|cells| Segment::encrypt(cells, &keys, &mut rng).to_bytes().into())
        .collect();
    let stored = Digest::of(Purpose::Object, &segments.concat());
    let array = CellArray { sum: CellSum::Rows, limb: 0 };
    let layout = RollupLayout {
        parameter_set: ParameterSet::RollupV1,
        limb_bits: 33,
        arrays: vec![array],
        cuboids: vec![Cuboid { dimensions: vec![], arrays: 1, cells: 40_000, first: 0 }],
        cells: 40_000,
        segments: vec![],
    };
    let program = RollupProgram {
        parameter_set: ParameterSet::RollupV1,
        cuboid: 0,
        selections: vec![
            vec![(0, 40_000)],
            vec![(5, 6), (2_047, 2_050), (32_000, 33_000)],
            vec![],
            (0..400).map(|i| (100 * i, 100 * i + 7)).collect(),
        ],
        arrays: vec![ProgramArray { array, first: 0 }],
        outputs: (0..4).map(|selection| CellOutput { selection, array: 0 }).collect(),
        recipes: vec![],
    };
    let outputs = rollup::evaluate(&layout, &program, &Segments(segments), &Silent).expect("evaluated");
    let sums = crate::outputs::decrypt(
        &keys,
        &sordino_protocol::program::Program::Rollup(program.clone()),
        &outputs,
    );
    let expected: Vec<i64> = program
        .selections
        .iter()
        .map(|ranges| ranges.iter().flat_map(|(low, high)| *low..*high).sum::<u64>().cast_signed())
        .collect();
    assert_eq!(sums.expect("decrypted"), expected);
    (stored, Outputs::digest(&outputs))
}

fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(run)
}

#[test]
fn scan_outputs_are_golden() {
    for (set, golden) in [
        (ParameterSet::Scan8kV1, "7673313562498290e3d1eaa352763c0490555f48fcd29b4463f961c00d6614b5"),
        (ParameterSet::Scan16kV1, "0d8b6b752396ac1800d294d717fba2595bd0a14409550d72d689690e40f07f29"),
    ] {
        let one = with_threads(1, || scan(set));
        println!("{set}: {one}");
        assert_eq!(one, with_threads(3, || scan(set)), "the number of threads matters");
        assert_eq!(one.to_string(), golden, "{set}");
    }
}

#[test]
fn rollup_outputs_are_golden() {
    let one = with_threads(1, rollup);
    println!("{one:?}");
    assert_eq!(one, with_threads(3, rollup), "the number of threads matters");
    assert_eq!(one.0.to_string(), "5e7122730c72bfc632aa4e64d678225c97101b17901a1f283fde5fe0f6470667");
    assert_eq!(one.1.to_string(), "abee9c872198aac04a57265240acd2820c2eef6f78239578dccb26c992aceeca");
}
