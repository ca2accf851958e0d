//! Figures of this machine; run by hand: `cargo test -p sordino-fhe measure -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rayon::{ThreadPoolBuilder, prelude::*};
use sordino_protocol::{
    layout::{CellArray, CellSum, Cuboid, RollupLayout},
    parameters::ParameterSet,
    program::{CellOutput, ProgramArray, RollupProgram, ScanProgram, Step},
};

use super::support::{
    Segments, Slices, encrypt_slots, evaluation_key_bytes, evaluator, keys, program, random_slots,
    value_slice,
};
use crate::{
    keys::SecretKeys,
    progress::Silent,
    rollup::{self, Segment},
    scan::{self, Evaluator, wire},
};

fn each(times: u32, mut run: impl FnMut()) -> Duration {
    run();
    let start = Instant::now();
    (0..times).for_each(|_| run());
    start.elapsed() / times
}

/// Of several runs the one that was disturbed least.
fn fastest(times: u32, mut run: impl FnMut()) -> Duration {
    run();
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..times).map(time).min().unwrap_or_default()
}

#[test]
#[ignore = "prints figures"]
fn measure() {
    ThreadPoolBuilder::new().num_threads(1).build().expect("a pool").install(|| {
        for set in [ParameterSet::Scan8kV1, ParameterSet::Scan16kV1] {
            scan_figures(set);
        }
        rollup_figures();
    });
}

fn scan_figures(set: ParameterSet) {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let degree = set.scan().expect("a set").degree;
    let slots = random_slots(set, 2, &mut rng);
    let encrypt = each(10, || drop(encrypt_slots(set, &slots, &mut rng)));
    let rate = degree as f64 / encrypt.as_secs_f64();
    println!("{set}: encrypt {encrypt:?} a slice, {rate:.0} slots/s/core");
    println!("{set}: slice {} bytes", scan::slice_size(set).expect("a set"));
    let key_bytes = evaluation_key_bytes(set);
    println!("{set}: evaluation keys {} bytes", key_bytes.len());
    println!("{set}: read keys {:?}", each(1, || drop(Evaluator::new(set, key_bytes))));
    let mut slices = Slices::default();
    for index in 0..2 {
        slices.0.insert(value_slice(index), encrypt_slots(set, &slots, &mut rng));
    }
    let bytes = slices.0[&value_slice(0)].clone();
    println!("{set}: load {:?}", each(10, || drop(wire::read_slice(&bytes, set))));
    let evaluator = evaluator(set);
    let run = |steps: Vec<Step>, output| {
        let program = program(set, 2, steps, vec![output]);
        let mut partial = None;
        let time = each(5, || partial = evaluator.evaluate_chunk(&program, &slices, &Silent).ok());
        (program, partial.expect("evaluated"), time)
    };
    let (_, _, add) = run(vec![Step::Sum(vec![0, 1])], 2);
    let (_, _, relinearised) = run(vec![Step::Multiply(0, 1)], 2);
    let (raw_program, raw, time) = run(vec![Step::MultiplyRaw(0, 1)], 2);
    let per_row = |time: Duration| (time - add).as_secs_f64() * 1e6 / degree as f64;
    println!("{set}: two loads and an addition {add:?}");
    println!("{set}: multiply and relinearise {:.2} us a row", per_row(relinearised));
    println!("{set}: multiply raw {:.2} us a row", per_row(time));
    let finish = each(3, || drop(evaluator.finish(&raw_program, raw.clone(), &Silent)));
    println!("{set}: relinearise, switch down, extract {finish:?}");
    let outputs = evaluator.finish(&raw_program, raw, &Silent).expect("finished");
    println!("{set}: output {} bytes", outputs.to_bytes().len());
}

fn rollup_figures() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let cells: Vec<u64> = (0..32_768).map(|_| rng.random_range(0..1000)).collect();
    let encrypt = each(5, || drop(Segment::encrypt(&cells, keys(), &mut rng)));
    let bytes = Segment::encrypt(&cells, keys(), &mut rng).to_bytes();
    println!("rollup-v1: encrypt {encrypt:?} a segment of {} bytes", bytes.len());
    let array = CellArray { sum: CellSum::Rows, limb: 0 };
    let layout = RollupLayout {
        parameter_set: ParameterSet::RollupV1,
        limb_bits: 33,
        arrays: vec![array],
        cuboids: vec![Cuboid { dimensions: vec![], arrays: 1, cells: 32_768, first: 0 }],
        cells: 32_768,
        segments: vec![],
    };
    let source = Segments(vec![bytes.into()]);
    for (what, selections) in [
        ("10,000 neighbouring cells", vec![vec![(3, 10_003)]]),
        ("10,000 single cells", vec![(0..10_000).map(|i| (3 * i, 3 * i + 1)).collect()]),
        ("1,000 groups of 10 cells", (0..1_000).map(|i| vec![(20 * i, 20 * i + 10)]).collect()),
    ] {
        let program = RollupProgram {
            parameter_set: ParameterSet::RollupV1,
            cuboid: 0,
            outputs: (0..selections.len() as u32)
                .map(|selection| CellOutput { selection, array: 0 })
                .collect(),
            selections,
            arrays: vec![ProgramArray { array, first: 0 }],
            recipes: vec![],
        };
        let time = each(5, || drop(rollup::evaluate(&layout, &program, &source, &Silent)));
        println!("rollup-v1: {what} {time:?}");
    }
    println!("secret keys {:?}", each(2, || drop(SecretKeys::generate(&mut rng))));
}

#[test]
#[ignore = "prints figures"]
fn measure_naive() {
    let rows = [(1, 10), (2, 20), (1, 30), (1, 5)];
    let measured = crate::naive::count_where(&rows, 1, 10);
    assert_eq!(measured.answer, 2);
    println!("naive: {:.3} s a row", measured.seconds_per_row());
}

/// Two queries over 32,768 rows as programs: a sum under three predicates, and six groups of five sums
/// and a count (the shape of TPC-H Q1).
fn queries(set: ParameterSet) -> Vec<(&'static str, ScanProgram)> {
    let three = vec![Step::Multiply(0, 1), Step::Multiply(4, 2), Step::MultiplyRaw(5, 3)];
    let groups = (0..6).flat_map(|mask| (6..11).map(move |value| Step::MultiplyRaw(mask, value))).collect();
    let outputs = (0..6).chain(11..41).collect();
    vec![
        ("three predicates", program(set, 4, three, vec![5, 6])),
        ("six groups of five sums", program(set, 11, groups, outputs)),
    ]
}

#[test]
#[ignore = "prints figures"]
fn measure_queries() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    for set in [ParameterSet::Scan8kV1, ParameterSet::Scan16kV1] {
        let chunks = 32_768 / set.scan().expect("a set").degree;
        let slots = random_slots(set, 2, &mut rng);
        let mut slices = Slices::default();
        (0..11).for_each(|index| {
            drop(slices.0.insert(value_slice(index), encrypt_slots(set, &slots, &mut rng)))
        });
        let evaluator = evaluator(set);
        for (what, program) in queries(set) {
            for threads in [1, 2] {
                let run = || {
                    let all: Vec<_> = (0..chunks)
                        .into_par_iter()
                        .map(|_| evaluator.evaluate_chunk(&program, &slices, &Silent).expect("evaluated"))
                        .collect();
                    let sum = all.into_iter().reduce(|mut sum, partial| {
                        evaluator.merge(&mut sum, partial, &Silent).expect("merged");
                        sum
                    });
                    evaluator.finish(&program, sum.expect("chunks"), &Silent).expect("finished")
                };
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                let time = pool.install(|| fastest(5, || drop(run())));
                println!("{set}: {what}, {chunks} chunks, {threads} threads: {time:?}");
            }
        }
    }
}
